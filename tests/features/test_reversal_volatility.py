"""Volatility of the set `reversal`, against TA-Lib and NumPy."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
import talib

from pawl.features.sets import build_dataset

Walk = Callable[..., pl.DataFrame]


def test_rev_r3_ranges_and_bands_are_those_of_talib(walk: Walk) -> None:
    bars = walk(300, 13)
    high, low, close = (bars[name].to_numpy() for name in ("high", "low", "close"))
    found = build_dataset(bars, "reversal").collect()
    atr = {rows: talib.ATR(high, low, close, rows) for rows in (7, 14, 28)}
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    expected = {
        "atr_14_rel": atr[14] / close,
        "atr_ratio": atr[7] / atr[28],
        "bb_pctb_20": (close - lower) / (upper - lower),
        "bb_width_20": (upper - lower) / middle,
    }
    for name, theirs in expected.items():
        np.testing.assert_allclose(found[name].to_numpy(), theirs, rtol=1e-8, atol=1e-9, err_msg=name)


def test_rev_r3_realised_volatility_is_the_deviation_of_20_log_returns(walk: Walk) -> None:
    bars = walk(60, 14)
    returns = np.diff(np.log(bars["close"].to_numpy()))
    found = build_dataset(bars, "reversal").collect()["rv_20"]
    assert found[-1] == pytest.approx(np.std(returns[-20:], ddof=1), rel=1e-12)
    assert found.null_count() == 20
