"""Bars in the order of (ticker, ts), and where in that order each ticker ends."""

import numpy as np
import polars as pl

from pawl.errors import SchemaError
from pawl.features.windows import Ends

__all__ = ["SEGMENT", "SEGMENT_END", "ordered_by_ticker", "ticker_starts", "with_segments"]

SEGMENT_END = "__segment_end"
SEGMENT = pl.col(SEGMENT_END)
"""For each row the number of the row behind the last one of its ticker, so a kernel jumps from ticker to ticker."""


def ordered_by_ticker(bars: pl.DataFrame) -> pl.DataFrame:
    """The bars sorted by (ticker, ts); as they are when they already stand so. Two bars of one instant: SchemaError.

    >>> ordered_by_ticker(pl.DataFrame({"ticker": ["B", "A"], "ts": [1, 2]})).get_column("ticker").to_list()
    ['A', 'B']
    """
    if _is_ordered(bars, _runs(bars)):
        return bars
    ordered = bars.sort("ticker", "ts")
    twins = ordered.filter((pl.col("ts") == pl.col("ts").shift(1)) & (pl.col("ticker") == pl.col("ticker").shift(1)))
    if twins.height:
        ticker, ts = twins.get_column("ticker")[0], twins.get_column("ts")[0]
        raise SchemaError(f"{ticker} has two bars at {ts}", where="bars", fix="import them: the store keeps one a ts")
    return ordered


def with_segments(bars: pl.DataFrame) -> pl.DataFrame:
    """The bars in the order of (ticker, ts), with the segment column.

    >>> with_segments(pl.DataFrame({"ticker": ["A", "B", "A"], "ts": [1, 1, 2]})).get_column(SEGMENT_END).to_list()
    [2, 2, 3]
    """
    runs = _runs(bars)
    if not _is_ordered(bars, runs):
        bars = ordered_by_ticker(bars)
        runs = _runs(bars)
    rows = _lengths(runs)
    return bars.with_columns(pl.Series(SEGMENT_END, np.repeat(np.cumsum(rows), rows)))


def ticker_starts(bars: pl.DataFrame) -> Ends:
    """For each row of ordered bars the number of its ticker's first row.

    >>> ticker_starts(pl.DataFrame({"ticker": ["A", "A", "B"]}))
    array([0, 0, 2])
    """
    rows = _lengths(_runs(bars))
    return np.repeat(np.cumsum(rows) - rows, rows)


def _runs(bars: pl.DataFrame) -> pl.DataFrame:
    """`len` and `value` of each stretch of rows with one ticker."""
    return bars.get_column("ticker").rle().struct.unnest()


def _lengths(runs: pl.DataFrame) -> Ends:
    return runs.get_column("len").cast(pl.Int64).to_numpy()


def _is_ordered(bars: pl.DataFrame, runs: pl.DataFrame) -> bool:
    tickers = runs.get_column("value")
    if not (tickers.is_sorted() and tickers.n_unique() == runs.height):
        return False
    ts = bars.get_column("ts").to_physical().to_numpy()
    rises = ts[1:] > ts[:-1]
    rises[np.cumsum(_lengths(runs))[:-1] - 1] = True
    return bool(rises.all())
