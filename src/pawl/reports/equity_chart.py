"""Curves of capital with their drawdown below, in one chart of two panes, and what they came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pawl.reports.chart_style import axis, axis_title, base_layout, dates, label, percent_axis, percents, values
from pawl.reports.lines import line_styles
from pawl.reports.report_data import CurveRole, EquityCurve, Unit
from pawl.reports.section import Chart, Column, Json, Section, missing, table, with_table
from pawl.reports.thinning import thin
from pawl.reports.wording import figure, moment, signed

__all__ = ["Marks", "equity_section"]

_TITLE = "Equity and drawdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Upright lines through both panes. name: in the legend. at: an instant a line, with what happened then in words.

    symbol, colour: of the mark on top of each line, in Plotly's words.
    """

    name: str
    at: Sequence[tuple[datetime, str]]
    symbol: str
    colour: str


def equity_section(curves: Sequence[EquityCurve], marks: Sequence[Marks] = (), *, note: str = "") -> Section:
    """Capital over time, with the fall from its peak below. note: HTML above the chart."""
    drawn = [curve for curve in curves if curve.frame.height]
    if not drawn:
        return missing("equity", _TITLE, "No equity curve was handed in.")
    lead = "; ".join(_outcome(curve) for curve in drawn) + "."
    chart = Chart(
        id="chart-equity",
        label=f"Line chart of equity and drawdown over time. {lead}",
        traces=[*_traces(drawn), *(trace for one in marks if one.at for trace in _mark_traces(one))],
        layout=_layout(is_marked=any(one.at for one in marks)),
        height_px=520,
    )
    hidden = " The benchmark is hidden at first." if _has_benchmark(drawn) else ""
    hint = f'<p class="aside on-screen">A click on a name hides its curve, or brings it back.{hidden}</p>'
    numbers = table(*_month_ends(drawn), caption="Month's last equity and deepest drawdown")
    return Section(id="equity", title=_TITLE, lead=lead, body=note + hint + with_table(chart, numbers), charts=(chart,))


def _outcome(curve: EquityCurve) -> str:
    last, deepest = curve.frame["equity"][-1], curve.frame["drawdown"].min()
    gain = None if last is None else float(last) - 1.0
    fall = -float(deepest) if isinstance(deepest, float) else None
    return f"{curve.name} {signed(gain, Unit.PERCENT)} with a deepest fall of {figure(fall, Unit.PERCENT)}"


def _traces(curves: Sequence[EquityCurve]) -> list[Json]:
    traces: list[Json] = []
    for curve, line in zip(curves, line_styles([curve.role for curve in curves]), strict=True):
        name = label(curve.name)
        for column, y_axis, form in (("equity", "y", ".3f"), ("drawdown", "y2", ".1f")):
            points = thin(curve.frame, column)
            trace: dict[str, Json] = {
                "type": "scatter",
                "mode": "lines",
                "name": name,
                "x": dates(points),
                "y": values(points, column, 5) if column == "equity" else percents(points, column, 3),
                "yaxis": y_axis,
                "line": line,
                "legendgroup": name,
                "showlegend": column == "equity",
                "hovertemplate": f"%{{y:{form}}}" + (" %" if column == "drawdown" else ""),
            }
            if curve.role is CurveRole.BENCHMARK:
                # A market that trebles would press the curves that are compared into one flat line.
                trace["visible"] = "legendonly"
            if column == "drawdown" and curve.role is CurveRole.MODEL:
                trace |= {"fill": "tozeroy", "fillcolor": "var(--model-soft)"}
            traces.append(trace)
    return traces


def _mark_traces(marks: Marks) -> list[Json]:
    """Traces and not shapes: a trace has a name in the legend, says what it is under the mouse, and can be hidden."""
    times = [moment(at) for at, _ in marks.at]
    traces: list[Json] = []
    # A symbol without a filling is not drawn. The legend shows the first, which an array of sizes would make tiny.
    symbols: list[Json] = [marks.symbol, "line-ns", "line-ns"]
    for y_axis, mode in (("y3", "lines+markers"), ("y4", "lines")):
        traces.append(
            {
                "type": "scatter",
                "mode": mode,
                "name": marks.name,
                "x": [x for time in times for x in (time, time, None)],
                "y": [1, 0, None] * len(times),
                "text": [text for _, what in marks.at for text in (label(what), label(what), "")],
                "yaxis": y_axis,
                "line": {"color": marks.colour, "width": 1, "dash": "dot"},
                "marker": {
                    "size": 9,
                    "symbol": symbols * len(times),
                    "color": marks.colour,
                    "opacity": 1,
                    "line": {"width": 0},
                },
                "legendgroup": marks.name,
                "showlegend": y_axis == "y3",
                "cliponaxis": False,
                "hovertemplate": "%{text}<extra></extra>",
            }
        )
    return traces


def _has_benchmark(curves: Sequence[EquityCurve]) -> bool:
    return any(curve.role is CurveRole.BENCHMARK for curve in curves)


def _layout(*, is_marked: bool) -> Mapping[str, Json]:
    axes: dict[str, Json] = {
        "xaxis": axis(anchor="y2", showgrid=False),
        "yaxis": axis(domain=[0.36, 1.0], title=axis_title("Equity, start = 1"), tickformat=".2f", zeroline=False),
        "yaxis2": percent_axis(domain=[0.0, 0.28], title=axis_title("Drawdown"), anchor="x"),
    }
    if is_marked:
        over: dict[str, Json] = {"range": [0, 1], "visible": False, "fixedrange": True}
        axes |= {"yaxis3": {**over, "overlaying": "y"}, "yaxis4": {**over, "overlaying": "y2"}}
    return base_layout(axes)


def _month_ends(curves: Sequence[EquityCurve]) -> tuple[list[Column], list[list[str]]]:
    months = [
        curve.frame.group_by(pl.col("ts").dt.strftime("%Y-%m").alias("month")).agg(
            pl.col("equity").last().alias(f"equity_{i}"), pl.col("drawdown").min().alias(f"drawdown_{i}")
        )
        for i, curve in enumerate(curves)
    ]
    joined_months = months[0]
    for other in months[1:]:
        joined_months = joined_months.join(other, on="month", how="full", coalesce=True)
    columns = [Column("Month")]
    for curve in curves:
        columns += [Column(f"{curve.name}: equity", is_number=True), Column("drawdown", is_number=True)]
    rows = []
    for month, *figures in joined_months.sort("month").iter_rows():
        units = (Unit.SCORE, Unit.PERCENT) * len(curves)
        rows.append([month, *(figure(value, unit) for value, unit in zip(figures, units, strict=True))])
    return columns, rows
