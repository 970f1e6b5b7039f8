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
BARS_AHEAD = 1000


class SimulatedSource:
    """Bars of the simulated market since 2018. seed: what everything follows from.

    What was simulated is kept, and a stretch beyond what is asked for with it: a loop that asks bar by bar pays for a
    history once. A longer history continues a shorter one, so nothing that was given changes.
    """

    name = "simulated"

    def __init__(self, seed: int, calendar: Calendar = ALWAYS) -> None:
        self._seed = seed
        self._calendar = calendar
        self._kept: dict[tuple[str, Timeframe], tuple[int, pl.DataFrame]] = {}

    def page(self, ticker: str, timeframe: Timeframe, start: datetime, end: datetime) -> Page:
        """All bars in [start, end) at once. InputError for a start before 2018."""
        if start < ORIGIN:
            raise InputError(
                f"the simulated market starts on {ORIGIN:%Y-%m-%d}", where="--from", fix="ask for a later day"
            )
        n_bars = max(1, (end - ORIGIN) // timeframe.length)
        bars = self._history(ticker, timeframe, n_bars).head(n_bars)
        span = pl.col("ts").is_between(pl.lit(start, UTC_TIME), pl.lit(end, UTC_TIME), closed="left")
        return Page(bars.filter(span), end)

    def _history(self, ticker: str, timeframe: Timeframe, n_bars: int) -> pl.DataFrame:
        """At least that many bars from the origin on."""
        n_kept, kept = self._kept.get((ticker, timeframe), (0, pl.DataFrame()))
        if n_kept >= n_bars:
            return kept
        try:
            n_kept, kept = self._simulated(ticker, timeframe, n_bars + max(BARS_AHEAD, n_bars // 4))
        except InputError:  # the calendar ends before
            n_kept, kept = self._simulated(ticker, timeframe, n_bars)
        self._kept[ticker, timeframe] = (n_kept, kept)
        return kept

    def _simulated(self, ticker: str, timeframe: Timeframe, n_bars: int) -> tuple[int, pl.DataFrame]:
        spec = MarketSpec(tickers=(ticker,), start=ORIGIN, n_bars=n_bars, timeframe=timeframe, calendar=self._calendar)
        return n_bars, simulate(spec, np.random.default_rng(self._seed)).bars
