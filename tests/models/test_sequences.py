"""Windows: what is in one, and what never is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.errors import SchemaError
from pawl.models.sequences import build_sequences

ROW = st.tuples(st.sampled_from([0, 0, 0, 1]), st.sampled_from([1, 1, 1, 1, 2]), st.sampled_from([True] * 7 + [False]))


def _brute_force(tickers: np.ndarray, session: np.ndarray, is_complete: np.ndarray, seq_len: int) -> list[int]:
    ends = []
    for end in range(seq_len - 1, len(tickers)):
        rows = range(end - seq_len + 1, end + 1)
        of_one_ticker = len({tickers[row] for row in rows}) == 1
        consecutive = all(session[row] - session[row - 1] == 1 for row in rows if row > rows[0])
        if of_one_ticker and consecutive and all(is_complete[row] for row in rows):
            ends.append(end)
    return ends


@settings(max_examples=200, deadline=None)
@given(st.lists(ROW, max_size=60), st.integers(2, 6))
def test_m002_r11_and_r19_windows_are_those_a_slow_search_finds(
    rows: list[tuple[int, int, bool]], seq_len: int
) -> None:
    tickers = np.cumsum([new for new, _, _ in rows]).astype(np.int64)
    session = np.cumsum([step for _, step, _ in rows]).astype(np.int64)
    is_complete = np.array([complete for _, _, complete in rows], bool)
    values = np.zeros((len(rows), 3), np.float32)
    found = build_sequences(values, tickers, session, is_complete, seq_len)
    assert found.ends.tolist() == _brute_force(tickers, session, is_complete, seq_len)


def test_m002_r11_sequences_are_n_by_20_by_features_and_hold_the_rows_in_order() -> None:
    values = np.arange(25 * 4, dtype=np.float32).reshape(25, 4)
    found = build_sequences(values, np.zeros(25, int), np.arange(25), np.ones(25, bool))
    gathered = found.gather(found.ends)
    assert gathered.shape == (6, 20, 4)
    for window, end in zip(gathered, found.ends, strict=True):
        np.testing.assert_array_equal(window, values[end - 19 : end + 1])


def test_m002_r11_no_window_crosses_a_ticker_or_a_gap() -> None:
    ticker = np.repeat([0, 1, 2], 30)
    session = np.concatenate([np.arange(30), np.arange(30, 60), [*range(15), *range(16, 31)]])
    found = build_sequences(np.zeros((90, 1), np.float32), ticker, session, np.ones(90, bool))
    assert found.ends.tolist() == [*range(19, 30), *range(49, 60)]


def test_m002_r19_a_stretch_of_19_days_has_no_window_and_one_of_20_has_one() -> None:
    for n_rows, expected in ((19, []), (20, [19])):
        found = build_sequences(
            np.zeros((n_rows, 1), np.float32), np.zeros(n_rows, int), np.arange(n_rows), np.ones(n_rows, bool)
        )
        assert found.ends.tolist() == expected
        assert found.gather(found.ends).shape == (len(expected), 20, 1)


def test_windows_are_a_view_and_no_copy() -> None:
    values = np.zeros((100, 4), np.float32)
    windows = build_sequences(values, np.zeros(100, int), np.arange(100), np.ones(100, bool)).windows
    assert windows.shape == (81, 20, 4)
    assert np.shares_memory(windows, values)


def test_tickers_out_of_order_are_refused() -> None:
    with pytest.raises(SchemaError, match="out of order"):
        build_sequences(np.zeros((2, 1), np.float32), np.array([1, 0]), np.arange(2), np.ones(2, bool))


def test_columns_of_another_length_are_refused() -> None:
    with pytest.raises(SchemaError, match="3 rows of values"):
        build_sequences(np.zeros((3, 1), np.float32), np.zeros(2, int), np.arange(3), np.ones(3, bool))


@pytest.mark.parametrize("values", [np.zeros((4, 2)), np.zeros((4, 2), np.float32, order="F")])
def test_a_matrix_whose_windows_would_be_copies_is_refused(values: np.ndarray) -> None:
    with pytest.raises(SchemaError, match="contiguous"):
        build_sequences(values, np.zeros(4, int), np.arange(4), np.ones(4, bool))
