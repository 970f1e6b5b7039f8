"""Rows that hold later information or an unfinished outcome leave, and are counted."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.datasets.eligibility import Eligible, Window, eligible_rows

START = datetime(2024, 1, 1, tzinfo=UTC)
INSTANT = pl.Datetime("us", "UTC")


def hour(number: float | None) -> datetime | None:
    return None if number is None else START + timedelta(hours=number)


def found(*rows: tuple[float | None, float | None, float | None]) -> Eligible:
    """Of rows given as hours of decision, of the newest information and of the outcome; window 10–20, cut at 24."""
    frame = pl.DataFrame(
        [tuple(map(hour, row)) for row in rows],
        schema={"decided_at": INSTANT, "known_at": INSTANT, "outcome_at": INSTANT},
        orient="row",
    )
    window = Window(
        start=START + timedelta(hours=10), end=START + timedelta(hours=20), cut_at=START + timedelta(hours=24)
    )
    return eligible_rows(frame, window)


def counts(one: Eligible) -> tuple[int, int, int, int]:
    return one.rows.height, one.n_outside, one.n_later_information, one.n_unfinished


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ((12, 11, 13), (1, 0, 0, 0)),
        ((10, 9.99, 10), (1, 0, 0, 0)),
        ((19.99, 19.98, 23.99), (1, 0, 0, 0)),
        ((9.99, 9, 13), (0, 1, 0, 0)),
        ((20, 19, 21), (0, 1, 0, 0)),
        ((None, 11, 13), (0, 1, 0, 0)),
        ((12, 12, 13), (0, 0, 1, 0)),
        ((12, 12.01, 13), (0, 0, 1, 0)),
        ((12, None, 13), (0, 0, 1, 0)),
        ((12, 11, 11.5), (0, 0, 1, 0)),
        ((12, 11, 24), (0, 0, 0, 1)),
        ((12, 11, None), (0, 0, 0, 1)),
    ],
)
def test_pass_r14_later_information_is_removed_and_counted(
    row: tuple[float | None, float | None, float | None], expected: tuple[int, int, int, int]
) -> None:
    assert counts(found(row)) == expected


def test_pass_r14_a_planted_sample_is_the_only_one_that_goes() -> None:
    kept = found((12, 11, 13), (14, 15, 16), (13, 12, 14))
    assert counts(kept) == (2, 0, 1, 0)
    assert kept.rows["decided_at"].to_list() == [hour(12), hour(13)]


rows = st.tuples(*(st.none() | st.integers(8, 26).map(float) for _ in range(3)))


@given(st.lists(rows, max_size=12))
def test_pass_r46_what_is_kept_precedes_the_cut_and_every_row_is_counted_once(
    given_rows: list[tuple[float | None, float | None, float | None]],
) -> None:
    one = found(*given_rows)
    assert sum(counts(one)) == len(given_rows)
    for row in one.rows.iter_rows(named=True):
        assert row["known_at"] < row["decided_at"] <= row["outcome_at"] < hour(24)
        assert START + timedelta(hours=10) <= row["decided_at"] < START + timedelta(hours=20)
