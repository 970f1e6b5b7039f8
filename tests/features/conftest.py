"""Bars for the tests of this room."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

Walk = Callable[..., pl.DataFrame]


@pytest.fixture(scope="session")
def walk() -> Walk:
    """Random bars: `walk(rows, seed=0, ticker="A")`, daily, in the order of ts, with honest highs and lows."""

    def make(rows: int, seed: int = 0, ticker: str = "A") -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        close = 100 * np.exp(np.cumsum(rng.standard_t(4, rows) * 0.03))
        open_ = np.concatenate([[100.0], close[:-1]]) * np.exp(rng.normal(0, 0.005, rows))
        high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, 0.01, rows)))
        low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, 0.01, rows)))
        first = datetime(2020, 1, 1, tzinfo=UTC)
        ts = pl.Series("ts", [first + timedelta(days=day) for day in range(rows)], pl.Datetime("us", "UTC"))
        volume = np.exp(rng.normal(10, 0.6, rows))
        return pl.DataFrame(
            {"ticker": [ticker] * rows, "ts": ts, "open": open_, "high": high, "low": low, "close": close,
             "volume": volume}
        )  # fmt: skip

    return make
