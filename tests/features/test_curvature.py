"""The bend of the price: sign, scale, and no future row."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from pawl.features.curvature import curvature_7
from pawl.features.feature import FeatureSet
from pawl.features.price import log_ret_1
from pawl.features.sets import build_dataset

Walk = Callable[..., pl.DataFrame]
RAW = FeatureSet(name="raw", features=(log_ret_1, curvature_7))


def with_close(bars: pl.DataFrame, close: np.ndarray) -> pl.DataFrame:
    return bars.with_columns(pl.Series("close", close))


@pytest.mark.parametrize("bend", [0.002, -0.003])
def test_m002_r6_an_exactly_quadratic_log_price_has_its_own_curvature(bend: float, walk: Walk) -> None:
    day = np.arange(90.0)
    bars = with_close(walk(90), np.exp(0.01 * day + bend * (day - 40) ** 2))
    raw = build_dataset(bars, RAW).collect().get_column("curvature_7").drop_nulls()
    scaled = build_dataset(bars).collect().get_column("curv_2").drop_nulls()

    np.testing.assert_allclose(raw, 2 * bend, rtol=1e-9)
    assert (scaled.sign() == np.sign(bend)).all()
    assert scaled.is_finite().all()


def test_m002_r6_curvature_is_a_parabola_over_7_days_in_units_of_its_own_60_day_deviation(walk: Walk) -> None:
    bars = walk(120)
    log_close = np.log(bars.get_column("close").to_numpy())
    raw = np.array([2 * np.polyfit(np.arange(7), log_close[row - 6 : row + 1], 2)[0] for row in range(6, 120)])
    found = build_dataset(bars).collect().get_column("curv_2")

    expected = [raw[row - 6] / raw[row - 65 : row - 5].std(ddof=1) for row in range(65, 120)]
    np.testing.assert_allclose(found[65:], expected, rtol=1e-8)
    assert found[:65].null_count() == 65


def test_m002_r6_curvature_reads_no_future_row(walk: Walk) -> None:
    bars = walk(100)
    changed = with_close(bars, np.where(np.arange(100) < 90, bars.get_column("close").to_numpy(), 1.0))
    was, became = (build_dataset(each).collect().get_column("curv_2")[:90] for each in (bars, changed))

    assert was.equals(became)
    assert was.drop_nulls().len() == 25
