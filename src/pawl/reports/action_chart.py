"""Shares of long, short and flat: counted by month and overall, drawn as bars stacked to the whole, and tabled."""

from collections.abc import Sequence

import polars as pl

from pawl.reports.chart_style import axis, axis_title, base_layout, pattern, percent_axis, percents
from pawl.reports.report_data import Unit
from pawl.reports.section import Chart, Choice, Column, Json
from pawl.reports.wording import figure, joined, plural

__all__ = ["SHARE_COLUMNS", "action_chart", "action_choice", "share_cells", "share_words"]

_ACTIONS = ("long", "short", "flat")
_COUNTS = [f"n_{action}" for action in _ACTIONS]
_PATTERNS = {"long": "", "short": "/", "flat": ""}

SHARE_COLUMNS = tuple(Column(title, is_number=True) for title in ("Decisions", "Long", "Short", "Flat"))
"""The columns of `share_cells`."""


def share_words(counts: pl.DataFrame) -> str:
    """All months together, in words.

    counts: `month` (Date), `n_long`, `n_short`, `n_flat`, a row a month, here and below.
    """
    _, n, *parts = _overall(counts).row(0)
    named = [f"{figure(share, Unit.PERCENT)} were {name}" for share, name in zip(parts, _ACTIONS, strict=True)]
    return f"of {plural(n, 'decision')}, {joined(named)}"


def share_cells(counts: pl.DataFrame) -> list[list[str]]:
    """The numbers behind the bars: the month and its SHARE_COLUMNS, and all months together as the last row."""
    return [
        [month, figure(n, Unit.COUNT), *(figure(share, Unit.PERCENT) for share in parts)]
        for month, n, *parts in pl.concat([_monthly(counts), _overall(counts)]).iter_rows()
    ]


def action_choice(name: str, counts: pl.DataFrame) -> Choice:
    """The bars of one set of decisions, to be drawn at once or chosen."""
    monthly = _monthly(counts)
    return Choice(name, monthly["month"].to_list(), [percents(monthly, action, 2) for action in _ACTIONS])


def action_chart(lead: str, shown: Choice, choices: Sequence[Choice] = ()) -> Chart:
    """A bar a month. shown: drawn first. choices: what a drop-down beside it offers."""
    traces: list[Json] = [
        {
            "type": "bar",
            "name": action,
            "x": shown.x,
            "y": y,
            "marker": {"color": f"var(--{action})", "pattern": pattern(_PATTERNS[action])},
            "hovertemplate": "%{y:.1f} %",
        }
        for action, y in zip(_ACTIONS, shown.ys, strict=True)
    ]
    share = percent_axis(range=[0, 100], title=axis_title("Share of decisions"))
    axes: dict[str, Json] = {"xaxis": axis(showgrid=False), "yaxis": share, "barmode": "stack", "bargap": 0.18}
    return Chart(
        id="chart-actions",
        label=f"Stacked bars of the share of each action by month. {lead}",
        traces=traces,
        layout=base_layout(axes),
        height_px=320,
        choices=choices,
    )


def _monthly(counts: pl.DataFrame) -> pl.DataFrame:
    return _shares(counts.select(pl.col("month").dt.strftime("%Y-%m"), *_COUNTS))


def _overall(counts: pl.DataFrame) -> pl.DataFrame:
    return _shares(counts.select(pl.lit("Overall").alias("month"), pl.col(_COUNTS).sum()))


def _shares(counts: pl.DataFrame) -> pl.DataFrame:
    whole = counts.with_columns(pl.sum_horizontal(_COUNTS).cast(pl.Int64).alias("n"))
    return whole.select("month", "n", *((pl.col(f"n_{action}") / pl.col("n")).alias(action) for action in _ACTIONS))
