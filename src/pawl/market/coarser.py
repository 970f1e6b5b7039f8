"""Longer bars from shorter ones."""

import polars as pl

from pawl.market.bars import BAR_SCHEMA, Timeframe

__all__ = ["coarser_bars"]


def coarser_bars(bars: pl.DataFrame, timeframe: Timeframe) -> pl.DataFrame:
    """BAR_SCHEMA of a longer timeframe, of bars whose open times fall into one another: first open, highest high,
    lowest low, last close, whole volume. Sorted by (ticker, ts).

    >>> from datetime import UTC, datetime
    >>> quarter = {"open": 1.0, "high": 3.0, "low": 0.5, "close": 2.0, "volume": 1.0}
    >>> at = [datetime(2024, 1, 1, 9, minute, tzinfo=UTC) for minute in (0, 15, 30, 45)]
    >>> bars = pl.DataFrame([{"ticker": "A", "ts": ts, **quarter} for ts in at])
    >>> coarser_bars(bars, Timeframe.parse("1h")).row(0)[2:]
    (1.0, 3.0, 0.5, 2.0, 4.0)
    """
    return (
        bars.sort("ticker", "ts")
        .group_by("ticker", pl.col("ts").dt.truncate(timeframe.length), maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
        )
        .cast(BAR_SCHEMA)
        .select(BAR_SCHEMA.names())
    )
