"""Momentum of the set `reversal`, against TA-Lib."""

from collections.abc import Callable

import numpy as np
import polars as pl
import talib

from pawl.features.sets import build_dataset

Walk = Callable[..., pl.DataFrame]


def test_rev_r3_momentum_is_that_of_talib(walk: Walk) -> None:
    bars = walk(300, 12)
    high, low, close = (bars[name].to_numpy() for name in ("high", "low", "close"))
    found = build_dataset(bars, "reversal").collect()
    k, d = talib.STOCHF(high, low, close, fastk_period=14, fastd_period=3, fastd_matype=0)
    expected = {
        "rsi_7": talib.RSI(close, 7),
        "rsi_14": talib.RSI(close, 14),
        "cci_20": talib.CCI(high, low, close, 20),
        "williams_r_14": talib.WILLR(high, low, close, 14),
        "roc_10": talib.ROC(close, 10),
    }
    for name, theirs in expected.items():
        np.testing.assert_allclose(found[name].to_numpy(), theirs, rtol=1e-8, atol=1e-9, err_msg=name)
    # TA-Lib gives %K only where %D is there too.
    np.testing.assert_allclose(found["stoch_k_14"].to_numpy()[15:], k[15:], atol=1e-9)
    np.testing.assert_allclose(found["stoch_d_3"].to_numpy(), d, atol=1e-9)
    assert found["stoch_k_14"].null_count() == 13


def test_rev_r3_where_nothing_moves_momentum_is_zero_as_in_talib(walk: Walk) -> None:
    still = walk(60).with_columns(pl.lit(3.0).alias(name) for name in ("open", "high", "low", "close"))
    close = still["close"].to_numpy()
    found = build_dataset(still, "reversal").collect()
    np.testing.assert_array_equal(found["rsi_14"].to_numpy(), talib.RSI(close, 14))
    np.testing.assert_array_equal(found["cci_20"].to_numpy(), talib.CCI(close, close, close, 20))


def test_rev_r3_a_missing_close_harms_the_rows_that_read_it_and_no_others(walk: Walk) -> None:
    hole = pl.int_range(pl.len()) == 100
    bars = walk(200).with_columns(pl.when(hole).then(None).otherwise("close").alias("close"))
    found = build_dataset(bars, "reversal").collect()
    assert found["cci_20"].is_null().arg_true().to_list() == [*range(19), *range(100, 120)]
    assert found["stoch_d_3"].is_null().arg_true().to_list() == [*range(15), 100, 101, 102]
