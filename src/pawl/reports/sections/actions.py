"""What the policy did: shares of long, short and flat by month and overall."""

import polars as pl

from pawl.reports.chart_style import axis, axis_title, base_layout, pattern, percent_axis, percents
from pawl.reports.report_data import ReportData, Unit
from pawl.reports.section import Chart, Column, Json, Section, missing, table, with_table
from pawl.reports.wording import figure, joined, plural

__all__ = ["actions"]

_TITLE = "Actions"
_ACTIONS = ("long", "short", "flat")
_COUNTS = [f"n_{action}" for action in _ACTIONS]
_PATTERNS = {"long": "", "short": "/", "flat": ""}


def actions(data: ReportData) -> Section:
    """A bar a month, stacked to the whole."""
    if data.actions is None or not data.actions.frame.height:
        return missing("actions", _TITLE, "No decision was handed in.")
    counts = data.actions.frame
    monthly = _shares(counts.select(pl.col("month").dt.strftime("%Y-%m"), *_COUNTS))
    overall = _shares(counts.select(pl.lit("Overall").alias("month"), pl.col(_COUNTS).sum()))
    _, n, *shares = overall.row(0)
    parts = [f"{figure(share, Unit.PERCENT)} were {name}" for share, name in zip(shares, _ACTIONS, strict=True)]
    lead = f"Of {plural(n, 'decision')}, {joined(parts)}."
    axes: dict[str, Json] = {"xaxis": axis(showgrid=False), "yaxis": _share_axis(), "barmode": "stack", "bargap": 0.18}
    chart = Chart(
        id="chart-actions",
        label=f"Stacked bars of the share of each action by month. {lead}",
        traces=[_bar(monthly, action) for action in _ACTIONS],
        layout=base_layout(axes),
        height_px=320,
    )
    body = with_table(chart, _numbers(pl.concat([monthly, overall])))
    return Section(id="actions", title=_TITLE, lead=lead, body=body, charts=(chart,))


def _shares(counts: pl.DataFrame) -> pl.DataFrame:
    whole = counts.with_columns(pl.sum_horizontal(_COUNTS).cast(pl.Int64).alias("n"))
    return whole.select("month", "n", *((pl.col(f"n_{action}") / pl.col("n")).alias(action) for action in _ACTIONS))


def _bar(shares: pl.DataFrame, action: str) -> dict[str, Json]:
    return {
        "type": "bar",
        "name": action,
        "x": shares["month"].to_list(),
        "y": percents(shares, action, 2),
        "marker": {"color": f"var(--{action})", "pattern": pattern(_PATTERNS[action])},
        "hovertemplate": "%{y:.1f} %",
    }


def _share_axis() -> Json:
    return percent_axis(range=[0, 100], title=axis_title("Share of decisions"))


def _numbers(shares: pl.DataFrame) -> str:
    columns = [Column("Month"), *(Column(title, is_number=True) for title in ("Decisions", "Long", "Short", "Flat"))]
    rows = [
        [month, figure(n, Unit.COUNT), *(figure(share, Unit.PERCENT) for share in parts)]
        for month, n, *parts in shares.iter_rows()
    ]
    return table(columns, rows, caption="Share of each action by month")
