"""Strength and convergence of means, against TA-Lib."""

from collections.abc import Callable

import numpy as np
import polars as pl
import talib

from pawl.features.sets import build_dataset

Walk = Callable[..., pl.DataFrame]


def test_strength_and_its_mean_are_those_of_talib(walk: Walk) -> None:
    bars = walk(300)
    rsi = talib.RSI(bars.get_column("close").to_numpy(), 14)
    found = build_dataset(bars).collect()

    np.testing.assert_allclose(found.get_column("rsi_14").to_numpy(), rsi, rtol=1e-10)
    np.testing.assert_allclose(found.get_column("rsi_smooth").to_numpy()[14:], talib.EMA(rsi[14:], 5), rtol=1e-10)


def test_the_convergence_of_means_is_the_difference_of_talibs_means(walk: Walk) -> None:
    bars = walk(300)
    close = bars.get_column("close").to_numpy()
    line = talib.EMA(close, 12) - talib.EMA(close, 26)
    signal = talib.EMA(line[25:], 9)
    found = build_dataset(bars).collect()

    np.testing.assert_allclose(found.get_column("macd_rel").to_numpy(), line / close, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(found.get_column("ema_spread_rel").to_numpy(), line / close, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(found.get_column("macd_signal_rel").to_numpy()[25:], signal / close[25:], atol=1e-15)
    np.testing.assert_allclose(
        found.get_column("macd_hist_rel").to_numpy()[25:], (line[25:] - signal) / close[25:], atol=1e-15
    )


def test_talibs_own_macd_differs_only_while_its_start_is_remembered(walk: Walk) -> None:
    # talib.MACD starts the mean of 12 on the row of the mean of 26, 14 rows later than a mean of 12 by itself.
    bars = walk(700)
    close = bars.get_column("close").to_numpy()
    line, _, _ = talib.MACD(close, 12, 26, 9)
    ours = build_dataset(bars).collect().get_column("macd_rel").to_numpy() * close

    np.testing.assert_allclose(ours[300:], line[300:], atol=1e-8)
    assert np.nanmax(np.abs(ours[:60] - line[:60])) > 1e-3


def test_acceleration_is_the_change_of_the_five_bar_return(walk: Walk) -> None:
    bars = walk(40)
    close = bars.get_column("close").to_numpy()
    found = build_dataset(bars).collect().get_column("price_accel")

    now, then = close[-1] / close[-6] - 1, close[-6] / close[-11] - 1
    np.testing.assert_allclose(found[-1], now - then, rtol=1e-12)
    assert found.null_count() == 10
