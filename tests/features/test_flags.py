"""Kernels over flags, against counting by hand."""

import numpy as np
import pytest

from pawl.features.flags import UNKNOWN, rows_since_true, true_count


@pytest.mark.parametrize("rows", [1, 3, 10, 20])
def test_a_count_is_a_count_by_hand(rows: int, rng: np.random.Generator) -> None:
    flags = rng.choice([0, 1, UNKNOWN], 400, p=[0.6, 0.39, 0.01]).astype(np.uint8)
    tickers = [1, 9, 140, 250]
    found = true_count(flags, np.repeat(np.cumsum(tickers), tickers), rows)

    begin = 0
    for length in tickers:
        for row in range(begin, begin + length):
            window = flags[max(begin, row - rows + 1) : row + 1]
            is_known = window.size == rows and (window != UNKNOWN).all()
            assert found[row] == (window.sum() if is_known else -1)
        begin += length


def test_rows_since_counts_to_its_cap_in_each_ticker() -> None:
    flags = np.array([0, 1, 0, 0, UNKNOWN, 0, 1, 1, 0, 0], np.uint8)
    ends = np.repeat([8, 10], [8, 2])

    assert rows_since_true(flags, ends, 3).tolist() == [3, 0, 1, 2, 3, 3, 0, 0, 3, 3]
