"""The one sentence that is read first, in each of the ways it can come out."""

from dataclasses import replace

from pawl.reports.answer import answer
from pawl.reports.report_data import Better, Comparison, Interval, MetricRow, ReportData, Unit

HIGHER, LOWER = (0.5, 0.2, 0.8), (-0.5, -0.8, -0.2)
AROUND_ZERO, UNBOUNDED = (0.1, -0.3, 0.5), (0.5, None, None)


def answered(data: ReportData, *differences: tuple[float, float | None, float | None]) -> str:
    """The answer when the model's Sharpe of 1 differs from linear's, then from lightgbm's, by these."""
    comparisons = tuple(
        Comparison(baseline=name, value=Interval(1.0 - difference[0]), difference=Interval(*difference))
        for name, difference in zip(("linear", "lightgbm"), differences, strict=False)
    )
    row = MetricRow(name="Sharpe", unit=Unit.RATIO, better=Better.HIGHER, model=Interval(1.0), comparisons=comparisons)
    return answer(replace(data, metrics=(row,)))


def test_a_version_that_beats_every_baseline_is_said_to(report_data: ReportData) -> None:
    assert answered(report_data, HIGHER, HIGHER) == (
        "m002-1.0 beats its baselines on unseen rows: Sharpe 1.00 against 0.50 (linear) and 0.50 (lightgbm); "
        "every difference is clear of zero."
    )


def test_a_version_that_beats_none_is_said_not_to(report_data: ReportData) -> None:
    assert answered(report_data, AROUND_ZERO, AROUND_ZERO) == (
        "m002-1.0 does not beat its baselines on unseen rows: Sharpe 1.00 against 0.90 (linear) and 0.90 (lightgbm); "
        "no difference is clear of zero."
    )


def test_a_version_that_is_worse_is_said_to_be(report_data: ReportData) -> None:
    assert answered(report_data, LOWER) == (
        "m002-1.0 does not beat its baseline linear on unseen rows: Sharpe 1.00 against 1.50 (linear); "
        "it is worse, clear of zero."
    )


def test_beating_one_of_two_names_both(report_data: ReportData) -> None:
    assert answered(report_data, HIGHER, AROUND_ZERO).startswith(
        "m002-1.0 beats linear but not lightgbm on unseen rows:"
    )


def test_a_higher_figure_without_an_interval_does_not_count_as_beating(report_data: ReportData) -> None:
    assert answered(report_data, UNBOUNDED) == (
        "m002-1.0 does not beat its baseline linear on unseen rows: Sharpe 1.00 against 0.50 (linear); "
        "a difference without an interval is not counted as one."
    )


def test_an_interval_that_touches_zero_does_not_count_as_beating(report_data: ReportData) -> None:
    assert answered(report_data, (0.4, 0.0, 0.8)).endswith("(linear); no difference is clear of zero.")


def test_without_baselines_nothing_is_claimed(report_data: ReportData) -> None:
    for unknown in (replace(report_data, metrics=()), replace(report_data, primary_metric="Sortino")):
        assert answer(unknown).startswith("Nothing stands beside m002-1.0:")
