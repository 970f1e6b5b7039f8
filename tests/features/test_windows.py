"""Kernels over fixed windows, against NumPy on every window by itself."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pawl.features.spreads import band_width, window_std, window_zscore
from pawl.features.windows import (
    BLOCK,
    Ends,
    Floats,
    window_max,
    window_min,
    window_sum,
    window_weighted,
)

WEIGHTS = np.array([0.5, -1.0, 2.0, 0.25, 3.0, -0.75, 1.5])

KERNELS: dict[str, tuple[Callable[[Floats, Ends, Floats], Floats], Callable[[Floats], float]]] = {
    "sum": (lambda x, ends, out: window_sum(x, ends, 7, out), np.sum),
    "max": (lambda x, ends, out: window_max(x, ends, 7, 0, out), np.max),
    "min": (lambda x, ends, out: window_min(x, ends, 7, 0, out), np.min),
    "weighted": (lambda x, ends, out: window_weighted(x, ends, WEIGHTS, out), lambda w: float(w @ WEIGHTS)),
    "std": (lambda x, ends, out: window_std(x, ends, 7, 1, out), lambda w: float(np.std(w, ddof=1))),
    "std of all": (lambda x, ends, out: window_std(x, ends, 7, 0, out), lambda w: float(np.std(w))),
    "band width": (lambda x, ends, out: band_width(x, ends, 7, 2.0, out), lambda w: 4 * float(np.std(w)) / w.mean()),
    "zscore": (
        lambda x, ends, out: window_zscore(x, ends, 7, 1, 0, out),
        lambda w: (w[-1] - w.mean()) / np.std(w, ddof=1),
    ),
}


def of(name: str, values: Floats, tickers: list[int]) -> Floats:
    """What a kernel gives; its memory holds something else before."""
    return KERNELS[name][0](values, ends_of(tickers), np.full(values.size, 1e9))


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
    tickers = [1, 6, 7, 8, BLOCK + 6, BLOCK + 7, 2 * BLOCK + 50]
    values = rng.normal(3.0, 1.0, sum(tickers))

    expected = one_by_one(values, tickers, 7, KERNELS[name][1])
    np.testing.assert_allclose(of(name, values, tickers), expected, rtol=1e-10)


@pytest.mark.parametrize("rows", [2, 3, 16, 20, 59, 60, 64])
def test_a_window_of_any_length_adds_up(rows: int, rng: np.random.Generator) -> None:
    values, tickers = rng.normal(0.0, 1.0, 700), [300, 400]
    ends, out = ends_of(tickers), np.empty(700)

    for found, of_window in (
        (window_sum(values, ends, rows, out).copy(), np.sum),
        (window_std(values, ends, rows, 0, out).copy(), np.std),
        (window_max(values, ends, rows, 0, out).copy(), np.max),
    ):
        np.testing.assert_allclose(found, one_by_one(values, tickers, rows, of_window), atol=1e-12)


@pytest.mark.parametrize("name", KERNELS)
def test_a_missing_value_harms_the_windows_that_hold_it_and_no_other(name: str, rng: np.random.Generator) -> None:
    values = rng.normal(0.0, 1.0, 60)
    clean = of(name, values, [60])
    values[30] = np.nan
    holed = of(name, values, [60])

    assert np.isnan(holed[30:37]).all()
    np.testing.assert_array_equal(np.delete(holed, slice(30, 37)), np.delete(clean, slice(30, 37)))


@pytest.mark.parametrize("name", KERNELS)
@given(
    values=hnp.arrays(np.float64, st.integers(20, 80), elements=st.floats(-1e3, 1e3, width=32)),
    older=st.lists(st.floats(-1e15, 1e15), max_size=40),
)
def test_nothing_before_a_window_changes_a_bit_of_it(name: str, values: Floats, older: list[float]) -> None:
    alone = of(name, values, [values.size])
    longer = np.concatenate([np.array(older), values])
    behind = of(name, longer, [longer.size])[len(older) :]

    np.testing.assert_array_equal(behind[6:], alone[6:])
