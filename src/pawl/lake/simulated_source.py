"""The simulated market as a source: offline, and the same for everybody who uses the same seed."""

from datetime import UTC, datetime

import numpy as np
import polars as pl

from pawl.errors import InputError
from pawl.lake.source import Page
from pawl.market.bars import UTC_TIME, Timeframe
from pawl.market.calendars import ALWAYS, Calendar
from pawl.market.simulated import MarketSpec, simulate

__all__ = ["SimulatedSource"]

ORIGIN = datetime(2018, 1, 1, tzinfo=UTC)  # every simulated history starts here, so that asking twice gives one history


class SimulatedSource:
    """Bars of the simulated market since 2018. seed: what everything follows from."""

    name = "simulated"

    def __init__(self, seed: int, calendar: Calendar = ALWAYS) -> None:
        self._seed = seed
        self._calendar = calendar

    def page(self, ticker: str, timeframe: Timeframe, start: datetime, end: datetime) -> Page:
        """All bars in [start, end) at once. InputError for a start before 2018."""
        if start < ORIGIN:
            raise InputError(
                f"the simulated market starts on {ORIGIN:%Y-%m-%d}", where="--from", fix="ask for a later day"
            )
        spec = MarketSpec(
            tickers=(ticker,),
            start=ORIGIN,
            n_bars=max(1, (end - ORIGIN) // timeframe.length),
            timeframe=timeframe,
            calendar=self._calendar,
        )
        bars = simulate(spec, np.random.default_rng(self._seed)).bars
        span = pl.col("ts").is_between(pl.lit(start, UTC_TIME), pl.lit(end, UTC_TIME), closed="left")
        return Page(bars.filter(span), end)
