"""Recursive kernels, against TA-Lib and against loops."""

import numpy as np
import pytest
import talib

from pawl.features.recursions import exponential_mean, spread_of_means, strength_index
from pawl.features.windows import Floats


@pytest.fixture
def close(rng: np.random.Generator) -> Floats:
    return 50 * np.exp(np.cumsum(rng.normal(0, 0.02, 400)))


@pytest.mark.parametrize("span", [2, 5, 12, 26])
def test_an_exponential_mean_is_that_of_talib(span: int, close: Floats) -> None:
    ours = exponential_mean(close, np.full(400, 400), span, 2 / (span + 1), np.empty(400))

    np.testing.assert_allclose(ours, talib.EMA(close, span), rtol=1e-12)


def test_a_spread_of_means_is_their_difference_behind_gaps_and_in_each_ticker(close: Floats) -> None:
    ends = np.repeat([10, 36, 37, 400], [10, 26, 1, 363])
    holed = close.copy()
    holed[[37, 90, 91, 130, 399]] = np.nan
    for values in (close, holed):
        fast, slow = (exponential_mean(values, ends, span, 2 / (span + 1), np.empty(400)) for span in (12, 26))
        found = spread_of_means(values, ends, 12, 26, np.full(400, 7.0))
        np.testing.assert_allclose(found, fast - slow, rtol=1e-9, atol=1e-12)


def test_the_strength_index_is_that_of_talib(close: Floats) -> None:
    np.testing.assert_allclose(_rsi(close), talib.RSI(close, 14), rtol=1e-10)


def test_the_strength_index_is_50_where_nothing_moves() -> None:
    # TA-Lib says 0 here, which would read as a crash.
    assert _rsi(np.ones(30))[14:].tolist() == [50.0] * 16


def test_a_mean_starts_anew_in_the_next_ticker(close: Floats) -> None:
    both = exponential_mean(close, np.repeat([100, 400], [100, 300]), 12, 0.2, np.empty(400))

    np.testing.assert_array_equal(both[100:], _ema(close[100:]))
    assert np.isnan(both[100:111]).all()


def test_a_gap_ends_a_mean_and_it_starts_anew_behind_it(close: Floats) -> None:
    holed = close.copy()
    holed[200] = np.nan
    for kernel, rows in ((_ema, 12), (_rsi, 15)):
        found, clean = kernel(holed), kernel(close)
        np.testing.assert_array_equal(found[:200], clean[:200])
        np.testing.assert_array_equal(found[200:], np.concatenate([[np.nan], kernel(close[201:])]))
        assert np.isnan(found[200 : 200 + rows]).all()
        assert not np.isnan(found[200 + rows :]).any()


def test_a_ticker_shorter_than_the_start_has_no_mean() -> None:
    assert np.isnan(exponential_mean(np.ones(5), np.full(5, 5), 6, 0.5, np.empty(5))).all()


def _ema(values: Floats) -> Floats:
    return exponential_mean(values, np.full(values.size, values.size), 12, 0.2, np.empty(values.size))


def _rsi(values: Floats) -> Floats:
    return strength_index(values, np.full(values.size, values.size), 14, 50.0, np.empty(values.size))
