"""A small simulated market and a small m002, fitted once for all tests of learners."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from pawl.learners.learner import Fit, FitContext
from pawl.learners.m002 import M002, M002Model
from pawl.learners.m002_config import M002Config
from pawl.market.bars import SILVER_SCHEMA, Timeframe
from pawl.market.calendars import ALWAYS, stamp
from pawl.market.simulated import MarketSpec, simulate
from pawl.models.head_config import HeadConfig
from pawl.models.regime_config import RegimeConfig

SMALL = M002Config(
    regime=RegimeConfig(hidden=8, max_epochs=2), head=HeadConfig(n_estimators=20, min_child_samples=20), n_folds=2
)


@pytest.fixture(scope="session")
def silver() -> pl.DataFrame:
    """Three tickers of 700 daily silver bars, 24/7."""
    spec = MarketSpec(tickers=("AAA", "BBB", "CCC"), start=datetime(2021, 1, 1, tzinfo=UTC), n_bars=700)
    bars = simulate(spec, np.random.default_rng(5)).bars
    return stamp(bars, ALWAYS, Timeframe.parse("1d")).select(SILVER_SCHEMA.names())


@pytest.fixture(scope="session")
def m002() -> M002:
    """The learner, small enough for a test."""
    return M002(SMALL)


@pytest.fixture(scope="session")
def fit(m002: M002, silver: pl.DataFrame) -> Fit[M002Model]:
    """The learner fitted on the whole market."""
    return m002.fit(silver, FitContext(seed=3))
