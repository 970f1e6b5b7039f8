"""What triggers look at: recent outcomes, decisions, returns, feature rows and bars, as columns ordered by time."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from pawl.errors import InputError

__all__ = [
    "BarCounts",
    "Columns",
    "Decisions",
    "FeatureRows",
    "Feed",
    "History",
    "Outcomes",
    "Returns",
    "before",
    "instant",
    "rows_in",
]

Floats = NDArray[np.float64]
Instants = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Resolved decisions with a position. at: (n,) when resolved. hit: (n,) of 0 or 1. confidence: (n,) in [0, 1]."""

    at: Instants
    hit: Floats
    confidence: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """All decisions. at: (n,) when made. is_hold: (n,) of 0 or 1."""

    at: Instants
    is_hold: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Returns:
    """Log returns of closed bars. at: (n,) closes. values: (n, n_tickers), NaN where a ticker has no bar."""

    at: Instants
    values: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRows:
    """Features as decided on. at: (n,). values: (n, n_features). changed_at: instants at which the change detector
    found a change in one of them (`adwin_changes`), sorted. names: of the features, in order; empty: none told.
    """

    at: Instants
    values: Floats
    changed_at: Instants
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BarCounts:
    """Bars of the last day: what the calendar expects, and what came."""

    n_expected: int
    n_present: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """How the bars of one ticker come in. n_expected, n_present: of the last day's bars, as its calendar has them.
    n_owed: newest bars in a row that did not come. n_refused: rows of the last day that may not be used.
    """

    ticker: str
    n_expected: int
    n_present: int
    n_owed: int
    n_refused: int

    @property
    def missing_share(self) -> float:
        """Share of the last day's bars that are missing; NaN where none was expected.

        >>> Feed(ticker="EURUSD", n_expected=96, n_present=72, n_owed=0, n_refused=0).missing_share
        0.25
        """
        return max(0, self.n_expected - self.n_present) / self.n_expected if self.n_expected else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is known; a part that is None was not looked at, and fires nothing."""

    outcomes: Outcomes | None = None
    decisions: Decisions | None = None
    returns: Returns | None = None
    features: FeatureRows | None = None
    bars: BarCounts | None = None
    feeds: tuple[Feed, ...] | None = None


Columns = Outcomes | Decisions | Returns | FeatureRows


def instant(at: datetime) -> np.datetime64:
    """An instant with its zone as numpy keeps it: UTC, microseconds; InputError without a zone.

    >>> instant(datetime(2026, 1, 1, 12, tzinfo=UTC))
    np.datetime64('2026-01-01T12:00:00.000000')
    """
    if at.utcoffset() is None:
        raise InputError(f"{at} has no zone", where="triggers", fix="hand in a time with its zone")
    return np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "us")


def rows_in(columns: Columns, start: datetime, end: datetime) -> slice:
    """The rows with start < at ≤ end."""
    first, last = np.searchsorted(columns.at, np.array([instant(start), instant(end)]), side="right")
    return slice(int(first), int(last))


def before(now: datetime, days: float) -> datetime:
    """So many days earlier."""
    return now - timedelta(days=days)
