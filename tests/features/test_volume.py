"""Volume features, against TA-Lib's own OBV and regression."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
import talib

from pawl.features.sets import build_dataset

Walk = Callable[..., pl.DataFrame]


def test_the_slope_of_obv_is_that_of_talib_though_obv_is_never_added_up(walk: Walk) -> None:
    bars = walk(200)
    close, volume = bars.get_column("close").to_numpy(), bars.get_column("volume").to_numpy()
    slope = talib.LINEARREG_SLOPE(talib.OBV(close, volume), 20) / talib.SMA(volume, 20)

    np.testing.assert_allclose(build_dataset(bars).collect().get_column("obv_slope_20"), slope, rtol=1e-7, atol=1e-9)


def test_ratio_and_zscore_are_their_formulas(walk: Walk) -> None:
    bars = walk(50)
    volume = bars.get_column("volume").to_numpy()
    last = build_dataset(bars).collect().row(-1, named=True)
    window = volume[-20:]

    assert last["volume_ratio_20"] == pytest.approx(volume[-1] / window.mean(), rel=1e-12)
    assert last["volume_z_20"] == pytest.approx((volume[-1] - window.mean()) / window.std(ddof=1), rel=1e-10)


def test_twenty_bars_without_a_trade_have_no_volume_ratio(walk: Walk) -> None:
    bars = walk(60).with_columns(pl.when(pl.int_range(pl.len()) < 30).then(0.0).otherwise("volume").alias("volume"))
    found = build_dataset(bars).collect()

    for name in ("volume_ratio_20", "obv_slope_20", "volume_z_20"):
        assert found.get_column(name).is_null().arg_true().to_list() == list(range(30)), name
