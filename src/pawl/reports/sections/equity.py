"""Equity and drawdown on unseen rows: the model beside its baselines and buy-and-hold."""

from collections.abc import Mapping, Sequence

import polars as pl

from pawl.reports.chart_style import axis, axis_title, base_layout, dates, label, percent_axis, percents, values
from pawl.reports.report_data import CurveRole, EquityCurve, ReportData, Unit
from pawl.reports.section import Chart, Column, Json, Section, missing, table, with_table
from pawl.reports.thinning import thin
from pawl.reports.wording import figure, signed

__all__ = ["equity"]

_TITLE = "Equity and drawdown"
_BASELINE_COLOURS = ("var(--baseline-1)", "var(--baseline-2)", "var(--baseline-3)")
_BASELINE_DASHES = ("dash", "dot", "dashdot")


def equity(data: ReportData) -> Section:
    """Capital over time, with the fall from its peak below."""
    curves = [curve for curve in data.curves if curve.frame.height]
    if not curves:
        return missing("equity", _TITLE, "No equity curve was handed in.")
    lead = "; ".join(_outcome(curve) for curve in curves) + "."
    chart = Chart(
        id="chart-equity",
        label=f"Line chart of equity and drawdown over time. {lead}",
        traces=_traces(curves),
        layout=_layout(),
        height_px=520,
    )
    hidden = " The benchmark is hidden at first." if _has_benchmark(curves) else ""
    hint = f'<p class="aside">A click on a name hides its curve, or brings it back.{hidden}</p>'
    body = hint + with_table(chart, table(*_month_ends(curves), caption="Month's last equity and deepest drawdown"))
    return Section(id="equity", title=_TITLE, lead=lead, body=body, charts=(chart,))


def _outcome(curve: EquityCurve) -> str:
    last, deepest = curve.frame["equity"][-1], curve.frame["drawdown"].min()
    gain = None if last is None else float(last) - 1.0
    fall = -float(deepest) if isinstance(deepest, float) else None
    return f"{curve.name} {signed(gain, Unit.PERCENT)} with a deepest fall of {figure(fall, Unit.PERCENT)}"


def _traces(curves: Sequence[EquityCurve]) -> list[Json]:
    traces: list[Json] = []
    for curve, line in zip(curves, _lines(curves), strict=True):
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


def _has_benchmark(curves: Sequence[EquityCurve]) -> bool:
    return any(curve.role is CurveRole.BENCHMARK for curve in curves)


def _lines(curves: Sequence[EquityCurve]) -> list[Json]:
    lines: list[Json] = []
    n_baselines = 0
    for curve in curves:
        if curve.role is CurveRole.MODEL:
            lines.append({"color": "var(--model)", "width": 2.4, "dash": "solid"})
        elif curve.role is CurveRole.BENCHMARK:
            lines.append({"color": "var(--benchmark)", "width": 1.4, "dash": "solid"})
        else:
            style = n_baselines % len(_BASELINE_COLOURS)
            lines.append({"color": _BASELINE_COLOURS[style], "width": 1.6, "dash": _BASELINE_DASHES[style]})
            n_baselines += 1
    return lines


def _layout() -> Mapping[str, Json]:
    return base_layout(
        {
            "xaxis": axis(anchor="y2", showgrid=False),
            "yaxis": axis(domain=[0.36, 1.0], title=axis_title("Equity, start = 1"), tickformat=".2f", zeroline=False),
            "yaxis2": percent_axis(domain=[0.0, 0.28], title=axis_title("Drawdown"), anchor="x"),
        }
    )


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
