"""Expressions over kernels: nulls, kinds of columns, and the start of recursive means."""

import polars as pl
import pytest

from pawl.features import rolling
from pawl.features.segments import with_segments


def test_a_missing_row_leaves_as_null_never_as_nan() -> None:
    frame = with_segments(pl.DataFrame({"ticker": ["A"] * 4, "ts": range(4), "x": [1.0, None, 3.0, 4.0]}))
    found = frame.select(rolling.sma(pl.col("x"), 2)).to_series()

    assert found.to_list() == [None, None, None, 3.5]


def test_whole_numbers_and_flags_are_read_as_numbers() -> None:
    frame = with_segments(
        pl.DataFrame({"ticker": ["A"] * 3, "ts": range(3), "n": [1, 2, 3], "flag": [True, None, True]})
    )
    found = frame.select(rolling.sma(pl.col("n"), 2), rolling.count(pl.col("flag"), 1).alias("flag"))

    assert found.get_column("n").to_list() == [None, 1.5, 2.5]
    assert found.get_column("flag").to_list() == [1, None, 1]
    assert found.schema["flag"] == pl.Int32


@pytest.mark.parametrize(("rows", "gain"), [(14, 1 / 14), (5, 2 / 6), (26, 2 / 27), (9, 2 / 10)])
def test_after_its_settled_rows_the_start_of_a_mean_weighs_less_than_1e_9(rows: int, gain: float) -> None:
    settled = rolling.settled_rows(rows, gain)

    # The start stands on row `rows`; every later row keeps 1 - gain of it.
    assert (1 - gain) ** (settled - rows) < 1e-9
    assert (1 - gain) ** (settled - rows - 1) >= 1e-9
