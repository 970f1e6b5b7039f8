"""Trend of the set `reversal`, against TA-Lib."""

from collections.abc import Callable

import numpy as np
import polars as pl
import talib

from pawl.features.sets import build_dataset

Walk = Callable[..., pl.DataFrame]


def test_rev_r3_means_are_those_of_talib(walk: Walk) -> None:
    bars = walk(200)
    close = bars["close"].to_numpy()
    found = build_dataset(bars, "reversal").collect()
    for rows in (10, 20, 50):
        np.testing.assert_allclose(found[f"sma_{rows}_rel"], close / talib.SMA(close, rows) - 1, rtol=0, atol=1e-12)
    for span in (12, 26):
        np.testing.assert_allclose(found[f"ema_{span}_rel"], close / talib.EMA(close, span) - 1, rtol=0, atol=1e-12)


def test_rev_r3_convergence_is_the_difference_of_talibs_means(walk: Walk) -> None:
    bars = walk(300)
    close = bars["close"].to_numpy()
    line = talib.EMA(close, 12) - talib.EMA(close, 26)
    signal = np.concatenate([np.full(25, np.nan), talib.EMA(line[25:], 9)])
    found = build_dataset(bars, "reversal").collect()
    np.testing.assert_allclose(found["macd"], line / close, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found["macd_signal"], signal / close, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found["macd_hist"], (line - signal) / close, rtol=0, atol=1e-13)


def test_rev_r3_talibs_own_convergence_agrees_once_its_other_start_is_forgotten(walk: Walk) -> None:
    # TA-Lib starts the mean of 12 on the row of the mean of 26; the spec says only (12, 26, 9).
    bars = walk(700)
    close = bars["close"].to_numpy()
    line, signal, hist = talib.MACD(close, 12, 26, 9)
    found = build_dataset(bars, "reversal").collect()
    for name, theirs in (("macd", line), ("macd_signal", signal), ("macd_hist", hist)):
        ours = found[name].to_numpy() * close
        np.testing.assert_allclose(ours[350:], theirs[350:], rtol=0, atol=1e-8)
    assert np.nanmax(np.abs(found["macd"].to_numpy()[:60] * close[:60] - line[:60])) > 1e-3
