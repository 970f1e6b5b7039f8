"""The newest bars of some tickers as the silver store holds them: what features and predictions are computed from."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from pawl.jobs.live.world import LiveWorld
from pawl.market.bars import UTC_TIME

__all__ = ["trailing_bars"]

SPARE = 1.6
"""A week of currencies has 120 hours of 168, and a year of stocks 252 days of 365; what is too much is cut off."""
HOLIDAYS = timedelta(days=14)


def trailing_bars(world: LiveWorld, tickers: Sequence[str], at: datetime, n_bars: int) -> pl.DataFrame:
    """The newest `n_bars` bars of each ticker that had closed by `at`: SILVER_SCHEMA, in (ticker, ts) order.

    A fixed number of bars, so that the same instant gives the same values to the byte however long the history is.
    """
    timeframe = world.learner.spec.timeframe
    first = at - n_bars * SPARE * timeframe.length - HOLIDAYS
    span = (pl.col("ts") >= pl.lit(first, UTC_TIME)) & (pl.col("available_at") <= pl.lit(at, UTC_TIME))
    bars = world.workspace.silver.scan(timeframe, tickers).filter(span).collect()
    from_end = pl.int_range(pl.len()).reverse().over("ticker")
    return bars.filter(from_end < n_bars)
