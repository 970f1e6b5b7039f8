"""Spreads of windows where they are hard: large means, no spread, and rows before the current one.

What they give on every window is tried beside the other window kernels, in test_windows.py.
"""

import numpy as np

from pawl.features.spreads import window_std, window_zscore
from pawl.features.windows import Ends, window_max, window_min


def ends_of(tickers: list[int]) -> Ends:
    return np.repeat(np.cumsum(tickers), tickers).astype(np.int64)


def test_a_spread_survives_a_mean_that_is_a_thousand_million_times_larger() -> None:
    values = 1e9 + np.tile([0.0, 1.0], 30)
    std = window_std(values, ends_of([60]), 20, 0, np.empty(60))

    np.testing.assert_allclose(std[19:], 0.5, rtol=1e-6)


def test_the_mean_before_a_row_leaves_the_row_itself_out() -> None:
    values = np.array([1.0, 2.0, 3.0, 100.0, 5.0, 6.0])
    found = window_zscore(values, ends_of([5, 1]), 3, 1, 1, np.empty(6))

    np.testing.assert_allclose(found[3], (100.0 - 2.0) / 1.0)
    assert np.isnan(found[[0, 1, 2, 5]]).all()
    lowest, highest = (
        window_min(values, ends_of([5, 1]), 3, 1, np.empty(6)),
        window_max(values, ends_of([5, 1]), 3, 1, np.empty(6)),
    )
    np.testing.assert_array_equal(lowest, [np.nan, np.nan, np.nan, 1.0, 2.0, np.nan])
    np.testing.assert_array_equal(highest, [np.nan, np.nan, np.nan, 3.0, 100.0, np.nan])


def test_where_nothing_spreads_there_is_no_zscore() -> None:
    assert np.isnan(window_zscore(np.ones(10), ends_of([10]), 5, 1, 0, np.empty(10))).all()
