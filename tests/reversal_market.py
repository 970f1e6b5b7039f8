"""Two simulated pairs of 15-minute bars on the FX calendar, and a reversal small enough for a test."""

from datetime import UTC, datetime

import numpy as np
import polars as pl

from pawl.learners.reversal import Reversal
from pawl.learners.reversal_config import ReversalConfig
from pawl.market.bars import SILVER_SCHEMA, Timeframe
from pawl.market.calendars import FX, stamp
from pawl.market.simulated import MarketSpec, simulate
from pawl.models.head_config import HeadConfig
from pawl.models.reversal_config import ReversalNetConfig

__all__ = ["SMALL", "fx_bars", "small_reversal"]

SMALL = ReversalConfig(
    network=ReversalNetConfig(hidden=8, max_epochs=2, batch_size=64),
    boosted=HeadConfig(n_estimators=10, min_child_samples=20),
)


def fx_bars(n_bars: int = 2400, seed: int = 5) -> pl.DataFrame:
    """Silver bars of EURUSD and USDJPY from a Monday on: 480 a week."""
    timeframe = Timeframe.parse("15m")
    spec = MarketSpec(
        tickers=("EURUSD", "USDJPY"),
        start=datetime(2025, 3, 3, tzinfo=UTC),
        n_bars=n_bars,
        timeframe=timeframe,
        calendar=FX,
    )
    bars = simulate(spec, np.random.default_rng(seed)).bars
    return stamp(bars, FX, timeframe).select(SILVER_SCHEMA.names())


def small_reversal() -> Reversal:
    """The learner, small enough for a test."""
    return Reversal(SMALL)
