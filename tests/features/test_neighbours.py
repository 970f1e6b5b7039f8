"""Kernels that set a row beside another, against TA-Lib and plain arithmetic."""

import numpy as np
import pytest
import talib

from pawl.features.neighbours import (
    difference,
    divide_by,
    divide_into,
    growth,
    lagged,
    place_between,
    signed_by_change,
    true_ranges,
)
from pawl.features.windows import Floats

ENDS = np.repeat([5, 6, 12], [5, 1, 6])


@pytest.fixture
def values(rng: np.random.Generator) -> Floats:
    return rng.uniform(1, 2, 12)


def test_lag_and_changes_stay_inside_a_ticker(values: Floats) -> None:
    first_rows = [0, 1, 5, 6, 7]
    inside = np.setdiff1d(np.arange(12), first_rows)
    now, then = values[inside], values[inside - 2]

    for found, expected in (
        (lagged(values, ENDS, 2, np.empty(12)), then),
        (growth(values, ENDS, 2, 0.0, np.empty(12)), now / then),
        (growth(values, ENDS, 2, 1.0, np.empty(12)), now / then - 1),
        (difference(values, ENDS, 2, np.empty(12)), now - then),
    ):
        assert np.isnan(found[first_rows]).all()
        np.testing.assert_array_equal(found[inside], expected)


def test_a_division_by_zero_is_missing() -> None:
    zeros = np.array([0.0, 0.0, 4.0])

    np.testing.assert_array_equal(divide_by(np.array([1.0, 0.0, 3.0]), zeros, 2.0), [np.nan, np.nan, 1.5])
    np.testing.assert_array_equal(divide_into(zeros.copy(), np.ones(3), 2, 1.0), [np.nan, np.nan, -0.5])
    np.testing.assert_array_equal(place_between(zeros.copy(), zeros * 0, np.ones(3)), [np.nan, np.nan, 0.25])


def test_a_true_range_is_that_of_talib(values: Floats) -> None:
    high, low = values + 0.3, values - 0.2
    close = values[::-1].copy()
    ours = true_ranges(high, low, close, np.full(12, 12), np.empty(12))

    np.testing.assert_allclose(ours, talib.TRANGE(high, low, close), rtol=1e-12)


@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_true_range_with_a_missing_price_is_missing(column: int, values: Floats) -> None:
    bar = [values + 0.3, values - 0.2, values.copy()]
    bar[column][3] = np.nan
    found = true_ranges(bar[0], bar[1], bar[2], np.full(12, 12), np.empty(12))

    assert np.isnan(found[4 if column == 2 else 3])
    assert not np.isnan(found[5:]).any()


def test_a_signed_size_takes_the_sign_of_the_change() -> None:
    sizes, values = np.array([1.0, 2.0, 3.0, 4.0]), np.array([5.0, 6.0, 6.0, 1.0])

    np.testing.assert_array_equal(signed_by_change(sizes, values, np.full(4, 4), np.empty(4)), [np.nan, 2.0, 0.0, -4.0])
