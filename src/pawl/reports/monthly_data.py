"""What the monthly report shows, gathered and measured; the pages only write it down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

__all__ = [
    "Firing",
    "MonthlyReport",
    "Moved",
    "Quality",
    "Ruled",
    "Selected",
    "Target",
    "Trained",
    "VersionRow",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """A version and what its signals of the month came to. parent: of a daily one. verdict: pass, fail or None.

    avg_pnl_bps: net a signal. given_up: whether its files are gone. reason: why it was retired, or empty.
    """

    version: str
    kind: str
    parent: str | None
    trained_at: datetime
    status: str
    verdict: str | None
    given_up: bool
    reason: str
    n_signals: int = 0
    n_hold: int = 0
    n_shadow: int = 0
    n_resolved: int = 0
    win_rate: float | None = None
    avg_pnl_bps: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The selection that closed the month. ranking: its rows as they were recorded, the best first."""

    held_at: datetime
    scored_from: datetime | None
    ranking: Sequence[Mapping[str, Any]]
    best: str | None
    act: str
    reason: str
    retired: Mapping[str, str]
    removed: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A move of the alias. what: promote or rollback. by: who moved it."""

    at: datetime
    what: str
    from_version: str | None
    to_version: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """A verdict."""

    at: datetime
    version: str
    against: str | None
    scope: str
    passed: bool
    reasons: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A training that ended or was passed over. status: succeeded, failed, stopped, skipped. why: error or reason."""

    at: datetime
    what: str
    kind: str
    status: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """A trigger that fired. effect: what it set off."""

    at: datetime
    kind: str
    effect: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The bars of a ticker in the month. verdict: ok, warn or fail. reasons: what was found."""

    ticker: str
    n_bars: int
    first: datetime
    last: datetime
    n_gaps: int
    n_quarantined: int
    verdict: str
    reasons: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A target of the design. horizon: by when. reached: in words. is_met: None where it was not measured."""

    horizon: str
    what: str
    wanted: str
    reached: str
    is_met: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyReport:
    """A learner's month. month: YYYY-MM. made_at: the instant that the report is of, never the clock's.

    days: one row a day, with what the acting version said and what came of it (`evaluation.signal_month.by_day`),
    and whether the loop lived it (`is_lived`: on one that it did not, nothing was measured).
    selected: None while no selection was held. stands_at: where the loop stands, if that is before the month's end.
    """

    learner: str
    month: str
    start: datetime
    end: datetime
    made_at: datetime
    champion: str | None
    serves_since: datetime | None
    versions: Sequence[VersionRow]
    selected: Selected | None
    moves: Sequence[Moved]
    verdicts: Sequence[Ruled]
    trainings: Sequence[Trained]
    firings: Sequence[Firing]
    quality: Sequence[Quality]
    days: pl.DataFrame
    targets: Sequence[Target]
    stands_at: datetime | None = None
