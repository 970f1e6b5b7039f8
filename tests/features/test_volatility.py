"""Spreads and true ranges, against TA-Lib and NumPy."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
import talib

from pawl.features.sets import build_dataset

Walk = Callable[..., pl.DataFrame]


def columns(bars: pl.DataFrame) -> list[np.ndarray]:
    return [bars.get_column(name).to_numpy() for name in ("high", "low", "close")]


def test_the_average_true_range_is_that_of_talib(walk: Walk) -> None:
    bars = walk(300)
    high, low, close = columns(bars)
    found = build_dataset(bars).collect()
    atr = talib.ATR(high, low, close, 14)

    np.testing.assert_allclose(found.get_column("atr_14").to_numpy(), atr, rtol=1e-12)
    np.testing.assert_allclose(found.get_column("atr_rel").to_numpy(), atr / close, rtol=1e-12)
    # TA-Lib does not take the leading NaN of its own output, so its mean is asked from the first value on.
    smooth = talib.EMA((atr / close)[14:], 10)
    np.testing.assert_allclose(found.get_column("atr_smooth").to_numpy()[14:], smooth, rtol=1e-12)


def test_the_bands_are_those_of_talib(walk: Walk) -> None:
    bars = walk(200)
    close = columns(bars)[2]
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    found = build_dataset(bars).collect()

    np.testing.assert_allclose(found.get_column("bb_pctb_20"), (close - lower) / (upper - lower), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(found.get_column("bb_width_20"), (upper - lower) / middle, rtol=1e-8)


def test_volatility_is_the_sample_deviation_of_20_log_returns(walk: Walk) -> None:
    bars = walk(60)
    returns = np.diff(np.log(columns(bars)[2]))
    found = build_dataset(bars).collect().get_column("vol_20")

    assert found[-1] == pytest.approx(np.std(returns[-20:], ddof=1), rel=1e-12)
    assert found.null_count() == 20


def test_a_spike_compares_the_range_with_the_20_bars_before_it(walk: Walk) -> None:
    bars = walk(400, seed=3)
    high, low, close = columns(bars)
    relative = talib.TRANGE(high, low, close) / close
    found = build_dataset(bars).collect().get_column("event_local_vol_spike").to_list()

    expected: list[bool | None] = [None] * 21
    for row in range(21, 400):
        before = relative[row - 20 : row]
        expected.append(bool(relative[row] >= before.mean() + 2 * before.std(ddof=1)))
    assert found == expected
    assert 5 < sum(map(bool, found)) < 60
