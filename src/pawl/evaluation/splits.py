"""Splits by time that leave no way for a label to reach from one side to the other.

Everything derives from the two columns of a label: `t0`, when it is asked, and `t1`, when it is known (null while it is
not). Rows of all tickers are cut at the same instants, in whatever order they stand. The *embargo* is counted in
distinct values of t0 (trading days, for daily bars) that lie strictly between what a side has read and what the other
begins with. A row whose t1 is null is never in a train side.

Purging and embargo: López de Prado, Advances in Financial Machine Learning, 2018, chapters 7 and 12.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import combinations, pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pawl.errors import TooLittleDataError

__all__ = [
    "Growth",
    "Split",
    "WalkForward",
    "combinatorial_purged",
    "forward_folds",
    "split_at",
    "time_split",
    "walk_forward",
]

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

EMBARGO = 5


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Row indices of both sides, ascending."""

    train: Rows
    test: Rows


class Growth(StrEnum):
    """What a walk-forward window does as it moves on."""

    EXPANDING = "expanding"  # it keeps its start
    ROLLING = "rolling"  # it keeps its length


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForward:
    """How a walk-forward moves: the length of the (first) train window, how far a test reaches, and the embargo."""

    window: timedelta
    step: timedelta
    growth: Growth = Growth.ROLLING
    embargo: int = EMBARGO


class _Intervals:
    """t0 and t1 as integers (µs), and the distinct instants among t0."""

    def __init__(self, t0: pl.Series, t1: pl.Series) -> None:
        if t0.null_count():
            raise TooLittleDataError("a label has no t0", where="split", fix="drop rows that were never asked")
        self.t0: Rows = _microseconds(t0)
        self.known: Mask = t1.is_not_null().to_numpy()
        # An unknown t1 lies beyond every instant, so that no comparison lets the row into a train side.
        self.t1: Rows = np.where(self.known, _microseconds(t1.fill_null(t0)), np.iinfo(np.int64).max)
        self.instants: Rows = np.unique(self.t0)

    def read_before(self, position: int, embargo: int) -> Mask:
        """The rows known before the instant at `position`, with the embargo between."""
        cut = position - embargo
        if cut < 0:
            return np.zeros(self.t0.size, np.bool_)
        return self.t1 < int(self.instants[cut])

    def asked_in(self, begin: int, end: int) -> Mask:
        """The rows asked from the instant at `begin` to that before `end`."""
        first, last = int(self.instants[begin]), int(self.instants[end - 1])
        return (self.t0 >= first) & (self.t0 <= last)

    def asked_after(self, rows: Mask, embargo: int) -> Mask:
        """The rows asked after everything that the given rows (one at least) read, with the embargo between."""
        # A label that is never known (its ticker ended) cannot be scored; it has read up to its own bar.
        read = max(self.t0[rows].max(), self.t1[rows & self.known].max(initial=np.iinfo(np.int64).min))
        begin = int(np.searchsorted(self.instants, read, side="right")) + embargo
        if begin >= self.instants.size:
            return np.zeros(self.t0.size, np.bool_)
        return self.t0 >= int(self.instants[begin])


def _microseconds(series: pl.Series) -> NDArray[np.int64]:
    return np.asarray(series.dt.epoch("us").to_numpy(), np.int64)


def _rows(mask: Mask) -> Rows:
    return np.flatnonzero(mask).astype(np.int64)


def time_split(t0: pl.Series, t1: pl.Series, fraction: float = 0.8, embargo: int = EMBARGO) -> Split:
    """Earlier and later rows, cut by date over all tickers together.

    fraction: share of the distinct instants that comes before the cut, in (0, 1). The test side is everything asked
    from the cut on; the train side is everything known before it, with the embargo between.
    TooLittleDataError when a side is empty.

    >>> from datetime import UTC, datetime, timedelta
    >>> t0 = pl.Series([datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(20)])
    >>> split = time_split(t0, t0 + timedelta(days=2), fraction=0.5, embargo=3)
    >>> split.train.tolist(), split.test.tolist()[0]
    ([0, 1, 2, 3, 4], 10)
    """
    intervals = _Intervals(t0, t1)
    n = intervals.instants.size
    return _cut_at(intervals, int(n * fraction), embargo)


def split_at(t0: pl.Series, t1: pl.Series, instant: datetime, embargo: int = EMBARGO) -> Split:
    """The same, cut at an instant: the test side is everything asked at it or later.

    >>> from datetime import UTC, datetime, timedelta
    >>> t0 = pl.Series([datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(20)])
    >>> split = split_at(t0, t0 + timedelta(days=2), datetime(2024, 1, 11, tzinfo=UTC), embargo=3)
    >>> split.train.tolist(), split.test.tolist()[0]
    ([0, 1, 2, 3, 4], 10)
    """
    intervals = _Intervals(t0, t1)
    cut = int(np.searchsorted(intervals.instants, _microseconds(pl.Series([instant]))[0]))
    return _cut_at(intervals, cut, embargo)


def _cut_at(intervals: _Intervals, cut: int, embargo: int) -> Split:
    """Both sides of the instant at a position."""
    n = intervals.instants.size
    if not 0 < cut < n:
        raise TooLittleDataError(
            f"{n} instants cannot be cut before number {cut}", where="time split", fix="hand in a longer history"
        )
    split = Split(_rows(intervals.read_before(cut, embargo)), _rows(intervals.asked_in(cut, n)))
    if split.train.size == 0:
        raise TooLittleDataError(
            f"no label is known {embargo} instants before the cut", where="time split", fix="hand in a longer history"
        )
    return split


def forward_folds(t0: pl.Series, t1: pl.Series, n_folds: int, embargo: int = EMBARGO) -> list[Split]:
    """Folds for out-of-fold predictions in time order: each is predicted by what was known before it.

    The distinct instants are cut into n_folds + 1 chunks as even as can be; the first chunk has no model before it and
    is in no test side. TooLittleDataError when a fold would train on nothing.

    >>> from datetime import UTC, datetime, timedelta
    >>> t0 = pl.Series([datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(9)])
    >>> [(fold.train.tolist(), fold.test.tolist()) for fold in forward_folds(t0, t0, n_folds=2, embargo=1)]
    [([0, 1], [3, 4, 5]), ([0, 1, 2, 3, 4], [6, 7, 8])]
    """
    intervals = _Intervals(t0, t1)
    edges = _edges(intervals, n_folds + 1)
    folds = [
        Split(_rows(intervals.read_before(begin, embargo)), _rows(intervals.asked_in(begin, end)))
        for begin, end in pairwise(edges[1:])
    ]
    if any(fold.train.size == 0 for fold in folds):
        raise TooLittleDataError(
            f"{intervals.instants.size} instants leave the first of {n_folds} folds nothing to train on",
            where="forward folds",
            fix="hand in a longer history, or ask for fewer folds",
        )
    return folds


def _edges(intervals: _Intervals, n_chunks: int) -> list[int]:
    """Positions among the instants where even chunks begin, and the end."""
    if n_chunks < 2 or intervals.instants.size < n_chunks:
        raise TooLittleDataError(
            f"{intervals.instants.size} instants cannot be cut into {n_chunks} chunks",
            where="splits",
            fix="hand in a longer history",
        )
    chunks = np.array_split(np.arange(intervals.instants.size), n_chunks)
    return [*(int(chunk[0]) for chunk in chunks), intervals.instants.size]


def walk_forward(t0: pl.Series, t1: pl.Series, plan: WalkForward) -> Iterator[Split]:
    """Train on a window, test the step after it, move on by the step; to the end of the rows.

    The first test begins one window after the first t0; a rolling window reads the labels asked within `window` before
    its test, an expanding one all of them. Steps without a row to test, or without one to train on, are passed over.

    >>> from datetime import UTC, datetime, timedelta
    >>> t0 = pl.Series([datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(6)])
    >>> plan = WalkForward(window=timedelta(days=3), step=timedelta(days=2), embargo=0)
    >>> [(split.train.tolist(), split.test.tolist()) for split in walk_forward(t0, t0, plan)]
    [([0, 1, 2], [3, 4]), ([2, 3, 4], [5])]
    """
    intervals = _Intervals(t0, t1)
    if intervals.instants.size == 0:
        return
    window, step = (span // timedelta(microseconds=1) for span in (plan.window, plan.step))
    start = int(intervals.instants[0]) + window
    while start <= intervals.instants[-1]:
        begin, end = (int(edge) for edge in np.searchsorted(intervals.instants, [start, start + step]))
        if begin < end:
            train = intervals.read_before(begin, plan.embargo)
            if plan.growth is Growth.ROLLING:
                train &= intervals.t0 >= start - window
            split = Split(_rows(train), _rows(intervals.asked_in(begin, end)))
            if split.train.size:
                yield split
        start += step


def combinatorial_purged(
    t0: pl.Series, t1: pl.Series, n_groups: int, n_test_groups: int, embargo: int = EMBARGO
) -> Iterator[Split]:
    """Every choice of `n_test_groups` among `n_groups` even chunks of time as the test side, the others to train on.

    A train row is kept when its interval ends before a test group begins or begins after everything the group's labels
    read, with the embargo between on either side.

    >>> from datetime import UTC, datetime, timedelta
    >>> t0 = pl.Series([datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(6)])
    >>> splits = combinatorial_purged(t0, t0, n_groups=3, n_test_groups=1, embargo=1)
    >>> [(split.train.tolist(), split.test.tolist()) for split in splits]
    [([3, 4, 5], [0, 1]), ([0, 5], [2, 3]), ([0, 1, 2], [4, 5])]
    """
    intervals = _Intervals(t0, t1)
    edges = _edges(intervals, n_groups)
    spans = list(pairwise(edges))
    tests = [intervals.asked_in(begin, end) for begin, end in spans]
    trains = [
        intervals.read_before(begin, embargo) | intervals.asked_after(test, embargo)
        for (begin, _), test in zip(spans, tests, strict=True)
    ]
    for chosen in combinations(range(n_groups), n_test_groups):
        train, test = intervals.known.copy(), np.zeros(t0.len(), np.bool_)
        for group in chosen:
            train &= trains[group]
            test |= tests[group]
        yield Split(_rows(train), _rows(test))
