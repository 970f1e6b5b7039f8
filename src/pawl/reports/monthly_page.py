"""The monthly report as a page: its parts in the frame that all pages share, with its curves drawn."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import cast

import polars as pl

from pawl.reports.chart_style import axis, axis_title, base_layout, dates, label, percent_axis, percents, values
from pawl.reports.equity_chart import equity_section
from pawl.reports.frame import Frame, page
from pawl.reports.monthly_data import MonthlyReport
from pawl.reports.monthly_parts import MonthTable, Part, best_ranked, parts
from pawl.reports.monthly_series import month_series
from pawl.reports.report_data import CurveRole, EquityCurve
from pawl.reports.section import Chart, Column, Json, Section, table, with_table
from pawl.reports.wording import day

__all__ = ["render_month"]

_PROSE = ("Why", "What was found")
"""Columns of sentences: a refusal can have six reasons."""

_MARKED: Mapping[str, Json] = {"mode": "lines+markers", "marker": {"size": 5}}
"""A mark a day: of one that stands alone between days that were not lived a line shows nothing."""

_TALL = 15
"""A table of more rows scrolls in itself."""


def render_month(data: MonthlyReport) -> str:
    """The report as one HTML file that asks the network for nothing. The same data gives the same text."""
    built = parts(data)
    frame = Frame(
        title=f"{data.learner} in {data.month}",
        description=built[0].lead,
        learner=data.learner,
        profile="",
        heading=f"{data.learner} in {data.month}",
        span=f"{day(data.start)} to {day(data.end)}, times in UTC",
        made_at=data.made_at,
    )
    sections = [_section(one, data) for one in built]
    place = next(i for i, one in enumerate(built) if one.id == "signals") + 1
    return page(frame, [*sections[:place], _equity(data), *sections[place:]])


def _section(part: Part, data: MonthlyReport) -> Section:
    tables = [_table(one) for one in part.tables]
    if part.id == "signals" and tables:
        chart = _signal_chart(data, part.lead)
        return Section(id=part.id, title=part.title, lead=part.lead, body=with_table(chart, tables[0]), charts=(chart,))
    if part.id == "ranking" and (ranked := _ranking_chart(data, part.lead)) is not None:
        return Section(
            id=part.id, title=part.title, lead=part.lead, body=with_table(ranked, tables[0]), charts=(ranked,)
        )
    body = "".join(tables) or '<p class="absent">Nothing to show here.</p>'
    return Section(id=part.id, title=part.title, lead=part.lead, body=body)


def _table(one: MonthTable) -> str:
    columns = [Column(name, is_number, is_prose=name in _PROSE) for name, is_number in one.columns.items()]
    html = table(columns, one.rows, caption=one.caption)
    return f'<div class="tall">{html}</div>' if len(one.rows) > _TALL else html


def _ranking_chart(data: MonthlyReport, lead: str) -> Chart | None:
    """What each figure adds to the score of each ranked version."""
    placed = best_ranked(data)
    if not placed:
        return None
    shown = (
        ("win rate", "win_rate", 0.3, "var(--model)"),
        ("Sharpe", "sharpe_ratio", 0.3, "var(--baseline-1)"),
        ("average PnL", "avg_pnl", 0.2, "var(--baseline-2)"),
        ("1 − drawdown", "max_drawdown", 0.2, "var(--baseline-3)"),
    )
    traces: list[Json] = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "y": [label(row["version"]) for row in placed],
            "x": [round(weight * _share(row["parts"][key], key), 5) for row in placed],
            "marker": {"color": colour},
            "hovertemplate": "%{x:.3f}",
        }
        for name, key, weight, colour in shown
    ]
    versions: list[Json] = [label(row["version"]) for row in placed]
    lanes = axis(type="category", categoryarray=versions, autorange="reversed", ticks="")
    layout = base_layout({"xaxis": axis(title=axis_title("score"), range=[0, 1]), "yaxis": lanes})
    return Chart(
        id="chart-ranking",
        label=f"Bar chart of what each figure adds to the score of each version. {lead}",
        traces=traces,
        layout={**layout, "barmode": "stack", "hovermode": "y unified", "bargap": 0.35},
        height_px=110 + 34 * len(placed),
    )


def _share(part: float, key: str) -> float:
    return 1.0 - part if key == "max_drawdown" else part


def _signal_chart(data: MonthlyReport, lead: str) -> Chart:
    """Win rate and hold share above, the result of each day below."""
    series = month_series(data.days)
    x = dates(series, "day")
    traces: list[Json] = [
        {**_line("win rate, 7 days", "var(--model)", "solid"), "x": x, "y": percents(series, "win_rate", 2)},
        {**_line("hold share", "var(--baseline-1)", "dash"), "x": x, "y": percents(series, "hold_share", 2)},
        {
            "type": "bar",
            "name": "PnL of the day",
            "x": x,
            "y": values(series, "pnl_bps", 2),
            "yaxis": "y2",
            "marker": {"color": "var(--long)"},
            "hovertemplate": "%{y:.1f} bps",
        },
    ]
    axes: Mapping[str, Json] = {
        "xaxis": axis(type="date", anchor="y2", hoverformat="%Y-%m-%d", range=_whole_month(data)),
        "yaxis": percent_axis(domain=[0.42, 1.0], range=[0, 105]),
        "yaxis2": axis(domain=[0.0, 0.32], title=axis_title("bps")),
    }
    return Chart(
        id="chart-signals",
        label=f"Line chart of win rate and hold share by day, with the result of each day below. {lead}",
        traces=traces,
        layout=base_layout(axes),
        height_px=460,
    )


def _whole_month(data: MonthlyReport) -> list[Json]:
    """Both ends of an axis of its days, also where it was lived in part. A bar stands around its day's midnight."""
    half = timedelta(hours=12)
    return [(one - half).strftime("%Y-%m-%d %H:%M") for one in (data.start, data.end)]


def _line(name: str, colour: str, dash: str) -> dict[str, Json]:
    return {
        "type": "scatter",
        **_MARKED,
        "name": name,
        "line": {"color": colour, "width": 2, "dash": dash},
        "hovertemplate": "%{y:.1f} %",
        "connectgaps": False,
    }


def _equity(data: MonthlyReport) -> Section:
    series = month_series(data.days) if int(data.days["n_resolved"].sum()) else data.days.clear()
    if series.is_empty():
        return equity_section(())
    # It ends with the last day that was lived, for the capital of the month is that of its end.
    series = series.filter(pl.col("day") <= series.drop_nulls("equity")["day"].max())
    frame = series.select(pl.col("day").cast(pl.Datetime("us", "UTC")).alias("ts"), "equity", "drawdown")
    note = '<p class="aside">Of the acting version\'s signals, a tenth of the capital in each, after costs.</p>'
    section = equity_section([EquityCurve(name="acting version", role=CurveRole.MODEL, frame=frame)], note=note)
    (chart,) = section.charts
    x_axis, y_axis = (cast("Mapping[str, Json]", chart.layout[name]) for name in ("xaxis", "yaxis"))
    # A month moves little: with two decimals every mark of the axis would say 1.00.
    axes = {"xaxis": {**x_axis, "range": _whole_month(data)}, "yaxis": {**y_axis, "tickformat": ".4~f"}}
    # Without its filling, which Plotly draws over days that were not lived as well.
    traces = [{**cast("Mapping[str, Json]", one), **_MARKED, "fill": "none"} for one in chart.traces]
    return replace(section, charts=(replace(chart, traces=traces, layout={**chart.layout, **axes}),))
