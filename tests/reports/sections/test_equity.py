"""Equity and drawdown."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl

from pawl.reports.report_data import CurveRole, EquityCurve, ReportData
from pawl.reports.sections.equity import equity
from pawl.reports.thinning import MAX_POINTS


def curve(name: str, equities: list[float], every: timedelta = timedelta(days=1)) -> EquityCurve:
    """A curve from 2024-01-30 on."""
    ts = [datetime(2024, 1, 30, tzinfo=UTC) + i * every for i in range(len(equities))]
    drawdown = pl.col("equity") / pl.col("equity").cum_max() - 1
    frame = pl.DataFrame({"ts": ts, "equity": equities}).with_columns(drawdown.alias("drawdown"))
    return EquityCurve(name=name, role=CurveRole.MODEL, frame=frame)


def test_each_curve_is_summed_up_and_tabled_by_month(report_data: ReportData) -> None:
    section = equity(replace(report_data, curves=(curve("m", [1.0, 1.25, 1.0, 1.5]), curve("b", [1.0, 1.0, 0.9, 0.9]))))
    assert section.lead == "m +50.0 % with a deepest fall of 20.0 %; b −10.0 % with a deepest fall of 10.0 %."
    january = ["1.250", "0.0 %", "1.000", "0.0 %"]
    february = ["1.500", "−20.0 %", "0.900", "−10.0 %"]
    for month, cells in (("2024-01", january), ("2024-02", february)):
        assert f'<th scope="row">{month}</th>' + "".join(f'<td class="n">{cell}</td>' for cell in cells) in section.body


def test_a_long_curve_is_thinned_but_keeps_its_peak_and_its_deepest_fall(report_data: ReportData) -> None:
    equities = [1.0 + i % 5 / 100 for i in range(20_000)]
    equities[7_001], equities[13_337] = 3.0, 0.5
    section = equity(replace(report_data, curves=(curve("m", equities, timedelta(hours=1)),)))
    capital, fall = ([value for value in trace["y"] if value is not None] for trace in section.charts[0].traces)
    assert max(len(capital), len(fall)) <= MAX_POINTS
    assert (max(capital), min(capital)) == (3.0, 0.5)
    assert min(fall) == -83.333


def test_the_curves_differ_by_more_than_their_colour(report_data: ReportData) -> None:
    lines = [trace["line"] for trace in equity(report_data).charts[0].traces if trace["yaxis"] == "y"]
    assert len({(line["dash"], line["width"]) for line in lines}) == len(lines) == 4


def test_a_benchmark_is_hidden_at_first_so_that_it_does_not_flatten_the_others(report_data: ReportData) -> None:
    section = equity(report_data)
    hidden = {trace["name"] for trace in section.charts[0].traces if trace.get("visible") == "legendonly"}
    assert hidden == {"buy and hold, equal weight"}
    assert "The benchmark is hidden at first." in section.body
