"""Splits: no label reaches from a train side into a test side, and skfolio draws the same combinations."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skfolio.model_selection import CombinatorialPurgedCV

from pawl.errors import TooLittleDataError
from pawl.evaluation.splits import (
    Growth,
    Split,
    WalkForward,
    combinatorial_purged,
    forward_folds,
    time_split,
    walk_forward,
)

START = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def instants(days: list[int | None]) -> pl.Series:
    return pl.Series(
        [None if day is None else START + day * DAY for day in days], dtype=pl.Datetime("us", "UTC"), strict=False
    )


def daily(n: int, horizon: int, n_tickers: int = 1) -> tuple[pl.Series, pl.Series]:
    """Labels of a panel that trades every day; the last `horizon` of each ticker are not known yet."""
    asked = [day for _ in range(n_tickers) for day in range(n)]
    return instants(list(asked)), instants([day + horizon if day + horizon < n else None for day in asked])


@st.composite
def labels(draw: st.DrawFn) -> tuple[pl.Series, pl.Series]:
    """Labels of some tickers with gaps and horizons of their own, in any order, some never known."""
    rows: list[tuple[int, int | None]] = []
    for _ in range(draw(st.integers(1, 4))):
        days = sorted(draw(st.sets(st.integers(0, 60), min_size=5, max_size=40)))
        horizon = draw(st.integers(0, 6))
        ends = [days[at + horizon] if at + horizon < len(days) else None for at in range(len(days))]
        rows += list(zip(days, ends, strict=True))
    rows = draw(st.permutations(rows))
    return instants([row[0] for row in rows]), instants([row[1] for row in rows])


def assert_nothing_leaks(t0: pl.Series, t1: pl.Series, split: Split, embargo: int) -> None:
    """Every train interval lies apart from every test interval, with `embargo` instants strictly between the two."""
    grid = sorted(set(t0.to_list()))
    assert not set(split.train.tolist()) & set(split.test.tolist())
    for train in split.train.tolist():
        begin, end = t0[train], t1[train]
        assert end is not None
        for test in split.test.tolist():
            asked, read = t0[test], t1[test] or t0[test]
            if end < asked:
                between = sum(end < instant < asked for instant in grid)
            else:
                assert begin > read, f"train {begin:%m-%d}…{end:%m-%d} meets test {asked:%m-%d}…{read:%m-%d}"
                between = sum(read < instant < begin for instant in grid)
            assert between >= embargo


embargoes = st.integers(0, 6)


@settings(deadline=None, max_examples=150)
@given(labels(), st.floats(0.2, 0.9), embargoes)
def test_m002_r27_no_train_label_reaches_the_test_side_of_a_time_split(
    asked: tuple[pl.Series, pl.Series], fraction: float, embargo: int
) -> None:
    try:
        split = time_split(*asked, fraction, embargo)
    except TooLittleDataError:
        return
    assert_nothing_leaks(*asked, split, embargo)
    assert asked[0].gather(split.train).max() < asked[0].gather(split.test).min()  # type: ignore[operator]


def test_m002_r27_the_split_is_by_date_over_all_tickers_with_five_days_purged() -> None:
    t0, t1 = daily(100, horizon=5, n_tickers=3)
    split = time_split(t0, t1, fraction=0.8)
    days = np.tile(np.arange(100), 3)
    assert set(days[split.test]) == set(range(80, 100))
    # Labels read five days on, and five more trading days stay free: the last one asked is 80 − 5 − 5 − 1.
    assert set(days[split.train]) == set(range(70))
    assert t1.gather(split.train).max() == START + 74 * DAY
    assert np.bincount(days[split.train]).tolist() == [3] * 70


def test_trading_days_are_counted_not_calendar_days() -> None:
    weekdays = [day for day in range(70) if day % 7 < 5]
    t0 = instants(list(weekdays))
    split = time_split(t0, t0, fraction=0.5, embargo=5)
    first = weekdays[25]
    assert t0.gather(split.test).min() == START + first * DAY
    assert t0.gather(split.train).max() == START + (first - 10) * DAY


@settings(deadline=None, max_examples=100)
@given(labels(), st.integers(1, 5), embargoes)
def test_forward_folds_know_nothing_of_what_they_predict(
    asked: tuple[pl.Series, pl.Series], n_folds: int, embargo: int
) -> None:
    t0, t1 = asked
    try:
        folds = forward_folds(t0, t1, n_folds, embargo)
    except TooLittleDataError:
        return
    assert len(folds) == n_folds
    predicted = np.concatenate([fold.test for fold in folds])
    assert len(set(predicted.tolist())) == predicted.size
    for fold in folds:
        assert_nothing_leaks(t0, t1, fold, embargo)
        assert t1.gather(fold.train).max() < t0.gather(fold.test).min()  # type: ignore[operator]
    first = t0.gather(folds[0].test).min()
    assert set(predicted.tolist()) == set(np.flatnonzero((t0 >= first).to_numpy()).tolist())


@settings(deadline=None, max_examples=100)
@given(labels(), st.integers(1, 30), st.integers(1, 15), st.sampled_from(list(Growth)), embargoes)
def test_walk_forward_windows_know_nothing_of_what_they_test(
    asked: tuple[pl.Series, pl.Series], window: int, step: int, growth: Growth, embargo: int
) -> None:
    t0, t1 = asked
    plan = WalkForward(window=window * DAY, step=step * DAY, growth=growth, embargo=embargo)
    tested: list[int] = []
    for split in walk_forward(t0, t1, plan):
        assert_nothing_leaks(t0, t1, split, embargo)
        begin = t0.gather(split.test).min()
        assert isinstance(begin, datetime)
        if growth is Growth.ROLLING:
            oldest = t0.gather(split.train).min()
            assert isinstance(oldest, datetime)
            assert oldest >= begin - (window + step) * DAY
        tested += split.test.tolist()
    assert len(set(tested)) == len(tested)


def test_walk_forward_by_hand() -> None:
    t0, t1 = daily(30, horizon=1)
    plan = WalkForward(window=10 * DAY, step=7 * DAY, embargo=2)
    rolling = [(split.train.tolist(), split.test.tolist()) for split in walk_forward(t0, t1, plan)]
    assert rolling == [
        (list(range(0, 7)), list(range(10, 17))),
        (list(range(7, 14)), list(range(17, 24))),
        (list(range(14, 21)), list(range(24, 30))),
    ]
    expanding = WalkForward(window=10 * DAY, step=7 * DAY, embargo=2, growth=Growth.EXPANDING)
    assert [split.train.tolist() for split in walk_forward(t0, t1, expanding)] == [
        list(range(7)),
        list(range(14)),
        list(range(21)),
    ]
    assert list(walk_forward(t0.clear(), t1.clear(), plan)) == []


@settings(deadline=None, max_examples=60)
@given(labels(), st.integers(2, 5), st.integers(1, 2), embargoes)
def test_combinatorial_splits_leak_on_neither_side(
    asked: tuple[pl.Series, pl.Series], n_groups: int, n_test_groups: int, embargo: int
) -> None:
    t0, t1 = asked
    try:
        splits = list(combinatorial_purged(t0, t1, n_groups, min(n_test_groups, n_groups - 1), embargo))
    except TooLittleDataError:
        return
    for split in splits:
        assert_nothing_leaks(t0, t1, split, embargo)


@pytest.mark.parametrize(("n_groups", "n_test_groups"), [(4, 2), (6, 2), (5, 3)])
@pytest.mark.parametrize(("horizon", "embargo"), [(0, 0), (5, 0), (3, 4)])
def test_combinatorial_splits_are_those_of_skfolio(
    n_groups: int, n_test_groups: int, horizon: int, embargo: int
) -> None:
    n = 120
    asked = instants(list(range(n)))
    known = instants([day + horizon for day in range(n)])
    # skfolio drops rows by count: on either side of a test as many as a label reads and the embargo keeps free.
    theirs = CombinatorialPurgedCV(
        n_folds=n_groups, n_test_folds=n_test_groups, purged_size=horizon + embargo, embargo_size=0
    )
    expected = {
        tuple(np.sort(np.concatenate(tests)).tolist()): train.tolist()
        for train, tests in theirs.split(np.zeros((n, 1)))
    }
    mine = {
        tuple(split.test.tolist()): split.train.tolist()
        for split in combinatorial_purged(asked, known, n_groups, n_test_groups, embargo)
    }
    assert mine == expected


def test_a_row_whose_label_is_not_known_trains_nothing() -> None:
    t0, t1 = daily(20, horizon=0)
    t1 = pl.Series([None if at == 3 else end for at, end in enumerate(t1.to_list())], dtype=t1.dtype)
    assert 3 not in time_split(t0, t1, 0.5, 0).train
    assert all(3 not in split.train for split in combinatorial_purged(t0, t1, 4, 1, 0))
    plan = WalkForward(window=8 * DAY, step=4 * DAY, embargo=0)
    assert all(3 not in split.train for split in walk_forward(t0, t1, plan))


def test_rows_may_stand_in_any_order(rng: np.random.Generator) -> None:
    t0, t1 = daily(50, horizon=3, n_tickers=2)
    order = rng.permutation(100)
    ordered, mixed = time_split(t0, t1, 0.6, 2), time_split(t0.gather(order), t1.gather(order), 0.6, 2)
    assert set(order[mixed.train].tolist()) == set(ordered.train.tolist())
    assert set(order[mixed.test].tolist()) == set(ordered.test.tolist())
    assert np.all(np.diff(mixed.train) > 0)


def test_too_short_a_history_is_refused() -> None:
    t0, t1 = daily(8, horizon=5)
    with pytest.raises(TooLittleDataError, match="no label is known 5 instants before the cut"):
        time_split(t0, t1, 0.5)
    with pytest.raises(TooLittleDataError, match="cannot be cut"):
        time_split(t0.head(1), t1.head(1), 0.5)
    with pytest.raises(TooLittleDataError, match="nothing to train on"):
        forward_folds(t0, t1, 2)
    with pytest.raises(TooLittleDataError, match="cannot be cut into 10 chunks"):
        forward_folds(t0, t1, 9)
    with pytest.raises(TooLittleDataError, match="no t0"):
        time_split(t1, t0, 0.5)
