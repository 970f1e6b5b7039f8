"""What the trades earned, each after its costs, and the last of them by name."""

import math
from collections.abc import Mapping
from html import escape

import numpy as np
import polars as pl

from pawl.reports.chart_style import axis, axis_title, base_layout, pattern
from pawl.reports.report_data import ReportData, Unit
from pawl.reports.section import Chart, Column, Json, Section, missing, table, with_table
from pawl.reports.wording import NOTHING, figure, moment, plural, price, signed

__all__ = ["trades"]

_TITLE = "Trades"
_LAST = 50
_BINS = 50


def trades(data: ReportData) -> Section:
    """The distribution of net basis points a trade, and the last 50 trades."""
    frame = None if data.trades is None else data.trades.frame.filter(pl.col("net_bps").cast(pl.Float64).is_finite())
    if frame is None or not frame.height:
        return missing("trades", _TITLE, "The model closed no trade on these rows.")
    net = frame["net_bps"].to_numpy().astype(np.float64)
    lead = (
        f"{plural(len(net), 'trade')}: {figure(float((net > 0).mean()), Unit.PERCENT)} won, the mean earned "
        f"{signed(float(net.mean()), Unit.BPS)} and the median {signed(float(np.median(net)), Unit.BPS)} after costs; "
        f"best {signed(float(net.max()), Unit.BPS)}, worst {signed(float(net.min()), Unit.BPS)}."
    )
    edges, counts = _histogram(net)
    chart = Chart(
        id="chart-trades",
        label=f"Histogram of net basis points a trade. {lead}",
        traces=_traces(edges, counts),
        layout=_layout(float(net.mean())),
        height_px=340,
    )
    tails = '<p class="aside">The outermost bins hold the tails.</p>'
    body = tails + with_table(chart, _bins_table(edges, counts)) + _last(frame)
    return Section(id="trades", title=_TITLE, lead=lead, body=body, charts=(chart,))


def _histogram(net: np.ndarray) -> tuple[list[float], list[int]]:
    """Bins of one round width with an edge at zero; the outermost take the tails beyond the 0.5 % quantiles."""
    low, high = (float(edge) for edge in np.quantile(net, (0.005, 0.995)))
    width = _round_up(max(high, 0.0) - min(low, 0.0), _BINS)
    # A lone loss lies beyond the quantile, and needs a bin on its own side of zero all the same.
    first = min(math.floor(min(low, 0.0) / width), -1 if net.min() < 0 else 0)
    last = max(math.ceil(max(high, 0.0) / width), 1 if net.max() >= 0 else 0)
    edges = [width * i for i in range(first, last + 1)]
    counts, _ = np.histogram(np.clip(net, edges[0], edges[-1]), bins=edges)
    return edges, [int(count) for count in counts]


def _round_up(span: float, n: int) -> float:
    """The least of 1, 2, 5 × 10^k that covers the span in n steps or fewer."""
    raw = max(span / n, 1e-6)
    unit = 10.0 ** math.floor(math.log10(raw))
    return next(step * unit for step in (1, 2, 5, 10) if step * unit >= raw * (1 - 1e-9))


def _traces(edges: list[float], counts: list[int]) -> list[Json]:
    bins = list(zip(edges[:-1], edges[1:], counts, strict=True))
    sides = (("lost", "var(--short)", "/"), ("won", "var(--long)", ""))
    traces: list[Json] = []
    for name, colour, shape in sides:
        mine = [one for one in bins if (one[1] <= 0) == (name == "lost")]
        traces.append(
            {
                "type": "bar",
                "name": name,
                "x": [(low + high) / 2 for low, high, _ in mine],
                "y": [count for _, _, count in mine],
                "width": [high - low for low, high, _ in mine],
                "customdata": [f"{figure(low, Unit.BPS)} to {figure(high, Unit.BPS)}" for low, high, _ in mine],
                "marker": {
                    "color": colour,
                    "line": {"color": "var(--card)", "width": 1},
                    "pattern": pattern(shape),
                },
                "hovertemplate": "%{customdata}: %{y:,}<extra></extra>",
            }
        )
    return traces


def _layout(mean: float) -> Mapping[str, Json]:
    line: dict[str, Json] = {
        "type": "line",
        "x0": mean,
        "x1": mean,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": "var(--ink)", "width": 1.4, "dash": "dot"},
    }
    note: dict[str, Json] = {
        "x": mean,
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "xanchor": "left",
        "text": f"mean {signed(mean, Unit.BPS)}",
        "showarrow": False,
        "font": {"color": "var(--ink)", "size": 12},
    }
    net = axis(title=axis_title("Net of costs, bps of entry notional"), showgrid=False, tickformat=",")
    more: dict[str, Json] = {"hovermode": "closest", "barmode": "overlay", "shapes": [line], "annotations": [note]}
    return base_layout({"xaxis": net, "yaxis": axis(title=axis_title("Trades"), tickformat=","), **more})


def _bins_table(edges: list[float], counts: list[int]) -> str:
    columns = [Column("From"), Column("To", is_number=True), Column("Trades", is_number=True)]
    rows = [
        [figure(low, Unit.BPS), figure(high, Unit.BPS), figure(count, Unit.COUNT)]
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
        if count
    ]
    return table(columns, rows, caption="Trades by net result; the outermost bins hold the tails")


def _last(frame: pl.DataFrame) -> str:
    recent = frame.sort("exit_ts", "ticker", descending=[True, False]).head(_LAST)
    columns = [
        Column("Ticker"),
        Column("Side", is_html=True),
        Column("Entry"),
        Column("Exit"),
        *(Column(title, is_number=True) for title in ("Entry price", "Exit price", "Net")),
        Column("Exit because of"),
    ]
    title = "The last trade" if recent.height == 1 else f"The last {recent.height} trades"
    caption = f"{title}, newest first, times in UTC"
    return f'<h3>{title}</h3><div class="tall">{table(columns, _trade_cells(recent), caption=caption)}</div>'


def _trade_cells(frame: pl.DataFrame) -> list[list[str]]:
    ordered = frame.select(
        "ticker", "side", "entry_ts", "exit_ts", "entry_price", "exit_price", "net_bps", "exit_reason"
    )
    return [
        [
            ticker,
            f'<span class="side {"long" if side == "long" else "short"}">{escape(side)}</span>',
            moment(entry),
            moment(leave),
            price(paid),
            price(got),
            signed(net, Unit.BPS),
            reason or NOTHING,
        ]
        for ticker, side, entry, leave, paid, got, net, reason in ordered.iter_rows()
    ]
