"""Curves of capital in two panes, with upright marks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl

from pawl.reports.equity_chart import Marks, equity_section
from pawl.reports.report_data import CurveRole, EquityCurve
from pawl.reports.thinning import MAX_POINTS

START = datetime(2024, 1, 30, tzinfo=UTC)


def curve(name: str, equities: list[float], every: timedelta = timedelta(days=1)) -> EquityCurve:
    """A curve from 2024-01-30 on."""
    ts = [START + i * every for i in range(len(equities))]
    drawdown = pl.col("equity") / pl.col("equity").cum_max() - 1
    frame = pl.DataFrame({"ts": ts, "equity": equities}).with_columns(drawdown.alias("drawdown"))
    return EquityCurve(name=name, role=CurveRole.MODEL, frame=frame)


def test_each_curve_is_summed_up_and_tabled_by_month() -> None:
    section = equity_section((curve("m", [1.0, 1.25, 1.0, 1.5]), curve("b", [1.0, 1.0, 0.9, 0.9])))
    assert section.lead == "m +50.0 % with a deepest fall of 20.0 %; b −10.0 % with a deepest fall of 10.0 %."
    january = ["1.250", "0.0 %", "1.000", "0.0 %"]
    february = ["1.500", "−20.0 %", "0.900", "−10.0 %"]
    for month, cells in (("2024-01", january), ("2024-02", february)):
        assert f'<th scope="row">{month}</th>' + "".join(f'<td class="n">{cell}</td>' for cell in cells) in section.body


def test_a_long_curve_is_thinned_but_keeps_its_peak_and_its_deepest_fall() -> None:
    equities = [1.0 + i % 5 / 100 for i in range(20_000)]
    equities[7_001], equities[13_337] = 3.0, 0.5
    section = equity_section((curve("m", equities, timedelta(hours=1)),))
    capital, fall = ([value for value in trace["y"] if value is not None] for trace in section.charts[0].traces)
    assert max(len(capital), len(fall)) <= MAX_POINTS
    assert (max(capital), min(capital)) == (3.0, 0.5)
    assert min(fall) == -83.333


def test_a_mark_stands_upright_in_both_panes_and_says_what_happened() -> None:
    marks = Marks(name="promoted", at=[(START, "<m> promoted")], symbol="triangle-up", colour="var(--good)")
    (chart,) = equity_section((curve("m", [1.0, 1.1]),), [marks]).charts
    upper, lower = chart.traces[-2:]
    assert [trace["yaxis"] for trace in (upper, lower)] == ["y3", "y4"]
    for trace in (upper, lower):
        assert (trace["x"], trace["y"]) == (["2024-01-30", "2024-01-30", None], [1, 0, None])
        assert trace["text"][0] == "&lt;m&gt; promoted"
    assert [trace["showlegend"] for trace in (upper, lower)] == [True, False]
    assert chart.layout["yaxis3"]["overlaying"] == "y" and chart.layout["yaxis4"]["overlaying"] == "y2"


def test_without_a_mark_there_is_no_axis_for_marks() -> None:
    none = Marks(name="promoted", at=(), symbol="triangle-up", colour="var(--good)")
    (chart,) = equity_section((curve("m", [1.0, 1.1]),), [none]).charts
    assert len(chart.traces) == 2
    assert "yaxis3" not in chart.layout


def test_curves_without_a_row_are_left_out_and_none_at_all_is_said() -> None:
    whole = curve("m", [1.0])
    empty = replace(whole, frame=whole.frame.clear())
    assert [trace["name"] for trace in equity_section((empty, whole)).charts[0].traces] == ["m", "m"]
    assert equity_section((empty,)).lead == "No equity curve was handed in."
