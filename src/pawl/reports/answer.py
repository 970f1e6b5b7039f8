"""The answer of a report: does the version beat its baselines on unseen rows, in words and by the intervals."""

import math
from enum import Enum

from pawl.reports.report_data import Better, Comparison, Interval, MetricRow, ReportData
from pawl.reports.wording import figure, joined

__all__ = ["MARKS", "Verdict", "answer", "primary_row", "verdict"]


class Verdict(Enum):
    """What a difference and its interval say, as printed."""

    BETTER = "better"
    WORSE = "worse"
    UNCLEAR = "unclear"
    UNKNOWN = "unknown"


MARKS = {Verdict.BETTER: "good", Verdict.WORSE: "bad", Verdict.UNCLEAR: "even", Verdict.UNKNOWN: "even"}
"""The class that gives a verdict its colour on a page."""


def verdict(difference: Interval, better: Better) -> Verdict:
    """Better or worse only where the whole interval of the difference lies on one side of zero.

    >>> verdict(Interval(0.3, 0.1, 0.5), Better.HIGHER), verdict(Interval(0.3, 0.1, 0.5), Better.LOWER)
    (<Verdict.BETTER: 'better'>, <Verdict.WORSE: 'worse'>)
    >>> verdict(Interval(0.3, -0.1, 0.7), Better.HIGHER), verdict(Interval(0.3), Better.HIGHER)
    (<Verdict.UNCLEAR: 'unclear'>, <Verdict.UNKNOWN: 'unknown'>)
    """
    low, high = difference.low, difference.high
    if low is None or high is None or not all(map(math.isfinite, (difference.value, low, high))):
        return Verdict.UNKNOWN
    if low <= 0 <= high:
        return Verdict.UNCLEAR
    return Verdict.BETTER if (low > 0) == (better is Better.HIGHER) else Verdict.WORSE


def primary_row(data: ReportData) -> MetricRow | None:
    """The metric the answer is read from, where it was measured."""
    return next((row for row in data.metrics if row.name == data.primary_metric), None)


def answer(data: ReportData) -> str:
    """One sentence: whether the version beats its baselines on unseen rows, with the figures that say so."""
    row = primary_row(data)
    if row is None or not row.comparisons:
        return (
            f"Nothing stands beside {data.version}: no baseline was scored on these rows, "
            "so its figures alone cannot say whether it is any good."
        )
    verdicts = {one.baseline: verdict(one.difference, row.better) for one in row.comparisons}
    beaten = [name for name, found in verdicts.items() if found is Verdict.BETTER]
    held = [name for name in verdicts if name not in beaten]
    if not held:
        claim = f"beats {_baselines(beaten)}"
    elif beaten:
        claim = f"beats {joined(beaten)} but not {joined(held)}"
    else:
        claim = f"does not beat {_baselines(held)}"
    return f"{data.version} {claim} on unseen rows: {_figures(row)}; {_certainty(list(verdicts.values()))}."


def _baselines(names: list[str]) -> str:
    return f"its baseline {names[0]}" if len(names) == 1 else "its baselines"


def _figures(row: MetricRow) -> str:
    def beside(one: Comparison) -> str:
        return f"{figure(one.value.value, row.unit)} ({one.baseline})"

    return f"{row.name} {figure(row.model.value, row.unit)} against {joined([beside(one) for one in row.comparisons])}"


def _certainty(verdicts: list[Verdict]) -> str:
    if Verdict.UNKNOWN in verdicts:
        return "a difference without an interval is not counted as one"
    if all(found is Verdict.UNCLEAR for found in verdicts):
        return "no difference is clear of zero"
    if all(found is Verdict.BETTER for found in verdicts):
        return "every difference is clear of zero" if len(verdicts) > 1 else "the difference is clear of zero"
    if all(found is Verdict.WORSE for found in verdicts):
        return "it is worse, clear of zero"
    return "judged by the 95 % interval of each difference"
