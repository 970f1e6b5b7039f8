"""How every chart of a page looks: its axes, its margins, and the names of its colours.

The colours themselves stand in the style sheet. They follow palettes that stay apart for colour-blind readers (Okabe
and Ito 2008; Paul Tol's "muted"), and no line is told apart by colour alone.
"""

from collections.abc import Mapping, Sequence
from datetime import time
from html import escape

import polars as pl

from pawl.reports.section import Json

__all__ = [
    "STATE_COLOURS",
    "axis",
    "axis_title",
    "base_layout",
    "dates",
    "label",
    "pattern",
    "percent_axis",
    "percents",
    "values",
]

STATE_COLOURS = ("var(--state-1)", "var(--state-2)", "var(--state-3)", "var(--state-4)", "var(--state-5)")


def axis(**options: Json) -> Mapping[str, Json]:
    """An axis with a quiet grid."""
    quiet: dict[str, Json] = {
        "gridcolor": "var(--grid)",
        "linecolor": "var(--rule)",
        "tickcolor": "var(--rule)",
        "zerolinecolor": "var(--rule)",
        "zerolinewidth": 1,
        "automargin": True,
    }
    return {**quiet, **options}


def percent_axis(**options: Json) -> Mapping[str, Json]:
    """An axis of percent, written with a space before the sign as everywhere on the page."""
    return axis(ticksuffix=" %", **options)


def pattern(shape: str) -> Mapping[str, Json]:
    """Stripes over a bar's own colour, so that it is told apart without colour too; an empty shape draws none."""
    return {
        "shape": shape,
        "fillmode": "overlay",
        "fgcolor": "var(--card)",
        "fgopacity": 0.55,
        "size": 7,
        "solidity": 0.2,
    }


def axis_title(text: str) -> Mapping[str, Json]:
    """What an axis measures, with its unit."""
    return {"text": text, "standoff": 12, "font": {"size": 12, "color": "var(--ink-soft)"}}


def base_layout(axes: Mapping[str, Json]) -> Mapping[str, Json]:
    """A layout around the given axes and what else a chart needs: legend above, no frame, the page's own font."""
    base: dict[str, Json] = {
        "font": {"family": "var(--sans)", "size": 12, "color": "var(--ink-soft)"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 20, "t": 34, "b": 8},
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "traceorder": "normal",
        },
        "hoverlabel": {
            "bgcolor": "var(--card)",
            "bordercolor": "var(--rule)",
            "font": {"family": "var(--sans)", "size": 12, "color": "var(--ink)"},
        },
        "hovermode": "x unified",
    }
    return {**base, **axes}


def label(text: str) -> str:
    """A name from data as Plotly draws it to the letter: it reads tags and `&lt;`, but knows no `&quot;`.

    >>> label('<b>"A&B"')
    '&lt;b&gt;"A&amp;B"'
    """
    return escape(text, quote=False)


def dates(frame: pl.DataFrame, column: str = "ts") -> Sequence[Json]:
    """Times as Plotly reads them, in UTC; the clock is left out where every bar opens at midnight."""
    times = frame[column]
    is_daily = times.dtype == pl.Date or bool((times.dt.time() == time(0)).all())
    return times.dt.strftime("%Y-%m-%d" if is_daily else "%Y-%m-%d %H:%M").to_list()


def percents(frame: pl.DataFrame, column: str, decimals: int) -> Sequence[Json]:
    """A column of fractions as percent, rounded like `values`."""
    return values(frame.select(pl.col(column).cast(pl.Float64) * 100), column, decimals)


def values(frame: pl.DataFrame, column: str, decimals: int) -> Sequence[Json]:
    """A column rounded for drawing; null, NaN and infinity become null, which Plotly leaves out."""
    numbers = pl.col(column).cast(pl.Float64).round(decimals)
    return frame.select(pl.when(numbers.is_finite()).then(numbers))[column].to_list()
