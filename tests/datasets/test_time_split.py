"""The two sides of a split: apart in time by the longest hold, and no trace on both."""

from datetime import datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from decision_events import START
from pawl.datasets.passport_settings import DatasetSettings
from pawl.datasets.time_split import TimeSplit, split_by_time

HOUR = timedelta(hours=1)
INSTANT = pl.Datetime("us", "UTC")


def split(rows: list[tuple[float, float, float, str]], **changes: float) -> TimeSplit:
    """rows: hour of the decision, hours held, hours until the outcome was recorded, trace."""
    frame = pl.DataFrame(
        {
            "decided_at": pl.Series([START + at * HOUR for at, *_ in rows], dtype=INSTANT),
            "outcome_at": pl.Series([START + (at + late) * HOUR for at, _, late, _ in rows], dtype=INSTANT),
            "hold_sec": pl.Series([int(hold * 3600) for _, hold, *_ in rows], dtype=pl.Int64),
            "horizon_sec": pl.Series([3600] * len(rows), dtype=pl.Int64),
            "trace_id": pl.Series([trace for *_, trace in rows], dtype=pl.String),
        }
    )
    return split_by_time(frame, DatasetSettings(**{"eval_share": 0.2, "min_gap_hours": 0.0, **changes}))


def sides(found: TimeSplit) -> list[str | None]:
    return found.rows["split"].to_list()


def test_pass_r46_the_newest_share_is_for_evaluation_behind_a_gap_of_the_longest_hold() -> None:
    found = split([(hour, 2.0 if hour else 3.0, 2.0, f"t{hour}") for hour in range(10)])
    # Evaluation from hour 8; the longest hold is three hours: training ends before hour 5.
    assert sides(found) == ["train"] * 5 + [None] * 3 + ["eval"] * 2
    assert (found.boundary, found.gap_sec) == (START + 8 * HOUR, 3 * 3600)
    assert (found.n_train, found.n_eval, found.n_gap) == (5, 2, 3)


def test_pass_r46_the_gap_is_never_shorter_than_the_horizon_or_the_setting() -> None:
    rows = [(hour, 0.1, 0.1, f"t{hour}") for hour in range(10)]
    assert split(rows).gap_sec == 3600
    assert split(rows, min_gap_hours=4.0).gap_sec == 4 * 3600


def test_pass_r46_an_outcome_recorded_after_the_boundary_trains_nothing() -> None:
    rows = [(hour, 1.0, 7.5 if hour == 1 else 1.0, f"t{hour}") for hour in range(10)]
    assert sides(split(rows))[1] is None


def test_pass_r46_a_trace_is_on_one_side() -> None:
    rows = [(hour, 1.0, 1.0, "same" if hour in (0, 9) else f"t{hour}") for hour in range(10)]
    found = sides(split(rows))
    assert (found[0], found[9], found[8]) == ("train", None, "eval")


@given(
    rows=st.lists(
        st.tuples(st.floats(0, 200), st.floats(0, 30), st.floats(0, 60), st.sampled_from("abcdefghijklmnop")),
        min_size=1,
        max_size=30,
    ),
    share=st.floats(0.05, 0.45),
)
@settings(max_examples=100, deadline=None)
def test_pass_r46_whatever_the_rows_the_sides_never_touch(
    rows: list[tuple[float, float, float, str]], share: float
) -> None:
    found = split(rows, eval_share=share)
    train, evaluation = (found.rows.filter(split=side) for side in ("train", "eval"))
    assert not set(train["trace_id"]) & set(evaluation["trace_id"])
    assert found.n_train + found.n_eval + found.n_gap == len(rows)
    first = evaluation["decided_at"].min() or found.boundary
    assert isinstance(first, datetime)
    longest = timedelta(seconds=float(str(found.rows["hold_sec"].max())))
    for decided, outcome in train.select("decided_at", "outcome_at").iter_rows():
        assert first - decided > longest
        assert outcome < first


def test_no_rows_have_no_sides() -> None:
    found = split([])
    assert (found.boundary, found.n_train, found.rows.height) == (None, 0, 0)


def test_one_row_is_for_evaluation() -> None:
    assert sides(split([(0, 1, 1, "a")])) == ["eval"]
    assert split([(0, 1, 1, "a")]).boundary == START
