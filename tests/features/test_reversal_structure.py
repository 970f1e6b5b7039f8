"""Structure and time of the set `reversal`, against NumPy and the clock."""

import math
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from pawl.features.sets import build_dataset

Walk = Callable[..., pl.DataFrame]


def test_rev_r3_distances_are_from_the_extremes_of_20_bars(walk: Walk) -> None:
    bars = walk(80, 15)
    found = build_dataset(bars, "reversal").collect()
    high, low, close = (bars[name].to_numpy() for name in ("high", "low", "close"))
    for n in range(19, 80):
        assert found["dist_high_20"][n] == pytest.approx(close[n] / np.max(high[n - 19 : n + 1]) - 1, abs=1e-14)
        assert found["dist_low_20"][n] == pytest.approx(close[n] / np.min(low[n - 19 : n + 1]) - 1, abs=1e-14)
    assert found["dist_high_20"].null_count() == 19


@pytest.mark.parametrize(("clock", "hour"), [("00:00", 0), ("06:00", 6), ("06:45", 6), ("13:15", 13), ("23:45", 23)])
def test_rev_r3_the_hour_is_that_of_the_open_in_utc(clock: str, hour: int, walk: Walk) -> None:
    at = pl.lit(f"2025-07-01 {clock}").str.to_datetime("%Y-%m-%d %H:%M", time_unit="us", time_zone="UTC")
    found = build_dataset(walk(1).with_columns(ts=at), "reversal").collect()
    assert found["hour_sin"][0] == pytest.approx(math.sin(2 * math.pi * hour / 24), abs=1e-15)
    assert found["hour_cos"][0] == pytest.approx(math.cos(2 * math.pi * hour / 24), abs=1e-15)
