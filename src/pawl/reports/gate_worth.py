"""The answer of a replay: was the gate worth it, in words and by the intervals of the differences."""

from collections.abc import Mapping, Sequence

from pawl.reports.answer import Verdict, verdict
from pawl.reports.report_data import Better, Interval, Unit
from pawl.reports.wording import NOTHING, interval, joined, signed

__all__ = ["clearness", "difference_name", "gate_worth"]

_PREFIX = "gated_minus_"
_CLEARNESS = {
    Verdict.BETTER: "clear of zero",
    Verdict.WORSE: "clear of zero",
    Verdict.UNCLEAR: "not clear of zero",
    Verdict.UNKNOWN: "no interval",
}


def gate_worth(policies: Sequence[str], differences: Mapping[str, Interval]) -> str:
    """One sentence: whether `gated` earned more than the policies without a gate, with the figures that say so.

    policies: the names of those replayed. differences: `gated_minus_always` ... → mean net bps a decision.

    >>> gate_worth(["gated", "frozen"], {"gated_minus_frozen": Interval(0.3, -0.2, 0.8)})
    'The gate was not shown to be worth it: gated − frozen is +0.3 bps a decision (95 % interval −0.2 … 0.8, \
not clear of zero).'
    """
    against = {key.removeprefix(_PREFIX): one for key, one in differences.items() if key.startswith(_PREFIX)}
    if not against:
        return f"{_why_unknown(policies)}, so nothing says what the gate was worth."
    claim = _claim({other: verdict(one, Better.HIGHER) for other, one in against.items()})
    return f"{claim}: {joined([_difference(other, one) for other, one in against.items()])}."


def clearness(found: Verdict) -> str:
    """What an interval says of zero."""
    return _CLEARNESS[found]


def difference_name(key: str) -> str:
    """A difference as it is printed.

    >>> difference_name("gated_minus_always")
    'gated − always'
    """
    return key.replace("_minus_", " − ")


def _claim(found: Mapping[str, Verdict]) -> str:
    beaten = [other for other, one in found.items() if one is Verdict.BETTER]
    lost_to = [other for other, one in found.items() if one is Verdict.WORSE]
    if beaten and lost_to:
        return f"The gate was worth it against {joined(beaten)}, but {joined(lost_to)} earned more"
    if beaten:
        return "The gate was worth it" + ("" if len(beaten) == len(found) else f" against {joined(beaten)} only")
    if lost_to:
        return f"The gate was not worth it, {joined(lost_to)} earned more"
    return "The gate was not shown to be worth it"


def _difference(other: str, one: Interval) -> str:
    value, bounds = signed(one.value, Unit.BPS), interval(one, Unit.BPS)
    if value == NOTHING:
        return f"gated − {other} could not be measured"
    reach = f"95 % interval {bounds}, " if bounds else ""
    return f"gated − {other} is {value} a decision ({reach}{clearness(verdict(one, Better.HIGHER))})"


def _why_unknown(policies: Sequence[str]) -> str:
    if "gated" not in policies:
        return "The gated policy was not replayed"
    if len(policies) == 1:
        return "Only the gated policy was replayed"
    return "No difference between the policies was measured"
