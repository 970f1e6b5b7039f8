"""Kernels over fixed windows, against NumPy on every window by itself."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pawl.features.rolling import slope_of_sums
from pawl.features.spreads import band_width, in_own_spread, place_in_bands, window_std, window_zscore
from pawl.features.windows import (
    BLOCK,
    Ends,
    Floats,
    over_max,
    over_mean,
    place_in_range,
    sum_slope,
    window_max,
    window_min,
    window_sum,
    window_weighted,
)

WEIGHTS = np.array([0.5, -1.0, 2.0, 0.25, 3.0, -0.75, 1.5])

KERNELS: dict[str, tuple[Callable[[Floats, Ends], Floats], Callable[[Floats], float]]] = {
    "sum": (lambda x, ends: window_sum(x, ends, 7), np.sum),
    "max": (lambda x, ends: window_max(x, ends, 7, 0), np.max),
    "min": (lambda x, ends: window_min(x, ends, 7, 0), np.min),
    "weighted": (lambda x, ends: window_weighted(x, ends, WEIGHTS), lambda w: float(w @ WEIGHTS)),
    "over mean": (lambda x, ends: over_mean(x, ends, 7, 1.0), lambda w: w[-1] / w.mean() - 1),
    "over max": (lambda x, ends: over_max(x, ends, 7, 1.0), lambda w: w[-1] / w.max() - 1),
    "std": (lambda x, ends: window_std(x, ends, 7, 1), lambda w: float(np.std(w, ddof=1))),
    "std of all": (lambda x, ends: window_std(x, ends, 7, 0), lambda w: float(np.std(w))),
    "band width": (lambda x, ends: band_width(x, ends, 7, 2.0), lambda w: 4 * float(np.std(w)) / w.mean()),
    "place in bands": (
        lambda x, ends: place_in_bands(x, ends, 7, 2.0),
        lambda w: (w[-1] - w.mean() + 2 * np.std(w)) / (4 * np.std(w)),
    ),
    "place in range": (
        lambda x, ends: place_in_range(x, x - 1, x + 2, ends, 7),
        lambda w: (w[-1] - w.min() + 1) / (w.max() - w.min() + 3),
    ),
    "slope of a sum": (
        lambda x, ends: sum_slope(x, x, ends, slope_of_sums(7)),
        lambda w: 7 * (w[1:] @ slope_of_sums(7)) / w.sum(),
    ),
    "zscore": (lambda x, ends: window_zscore(x, ends, 7, 1, 0), lambda w: (w[-1] - w.mean()) / np.std(w, ddof=1)),
    "own spread": (lambda x, ends: in_own_spread(x, ends, 7, 0.5), lambda w: w[-1] / max(0.5, np.std(w, ddof=1))),
}


def one_by_one(values: Floats, tickers: list[int], rows: int, of_window: Callable[[Floats], float]) -> Floats:
    out, begin = np.full(values.size, np.nan), 0
    for length in tickers:
        for row in range(begin + rows - 1, begin + length):
            out[row] = of_window(values[row - rows + 1 : row + 1])
        begin += length
    return out


def ends_of(tickers: list[int]) -> Ends:
    return np.repeat(np.cumsum(tickers), tickers).astype(np.int64)


@pytest.mark.parametrize("name", KERNELS)
def test_a_window_kernel_gives_what_numpy_gives_on_each_window(name: str, rng: np.random.Generator) -> None:
    kernel, of_window = KERNELS[name]
    tickers = [1, 6, 7, 8, BLOCK + 6, BLOCK + 7, 2 * BLOCK + 50]
    values = rng.normal(3.0, 1.0, sum(tickers))

    np.testing.assert_allclose(kernel(values, ends_of(tickers)), one_by_one(values, tickers, 7, of_window), rtol=1e-10)


@pytest.mark.parametrize("rows", [2, 3, 16, 20, 59, 60, 64])
def test_a_window_of_any_length_adds_up(rows: int, rng: np.random.Generator) -> None:
    values, tickers = rng.normal(0.0, 1.0, 700), [300, 400]
    ends = ends_of(tickers)

    np.testing.assert_allclose(window_sum(values, ends, rows), one_by_one(values, tickers, rows, np.sum), atol=1e-12)
    np.testing.assert_allclose(window_std(values, ends, rows, 0), one_by_one(values, tickers, rows, np.std), atol=1e-12)
    np.testing.assert_array_equal(window_max(values, ends, rows, 0), one_by_one(values, tickers, rows, np.max))


@pytest.mark.parametrize("name", KERNELS)
def test_a_missing_value_harms_the_windows_that_hold_it_and_no_other(name: str, rng: np.random.Generator) -> None:
    kernel, _ = KERNELS[name]
    values = rng.normal(0.0, 1.0, 60)
    clean = kernel(values, ends_of([60]))
    values[30] = np.nan
    holed = kernel(values, ends_of([60]))

    assert np.isnan(holed[30:37]).all()
    np.testing.assert_array_equal(np.delete(holed, slice(30, 37)), np.delete(clean, slice(30, 37)))


@pytest.mark.parametrize("name", KERNELS)
@given(
    values=hnp.arrays(np.float64, st.integers(20, 80), elements=st.floats(-1e3, 1e3, width=32)),
    older=st.lists(st.floats(-1e15, 1e15), max_size=40),
)
def test_nothing_before_a_window_changes_a_bit_of_it(name: str, values: Floats, older: list[float]) -> None:
    kernel, _ = KERNELS[name]
    alone = kernel(values, ends_of([values.size]))
    longer = np.concatenate([np.array(older), values])
    behind = kernel(longer, ends_of([longer.size]))[len(older) :]

    np.testing.assert_array_equal(behind[6:], alone[6:])
