"""The market as the loop saw it: closed bars and the features of their closes, each as it was first seen."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from pawl.ledger.column_types import UtcTime, canonical_json
from pawl.ledger.conflict_insert import conflict_insert
from pawl.ledger.live_tables import market_data

__all__ = [
    "ClosedBar",
    "NewestBar",
    "SeenBar",
    "append_market_data",
    "bars_behind",
    "features_hash",
    "newest_bars",
    "seen_bars",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedBar:
    """A bar by its open time, with what it says."""

    pair: str
    timestamp: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float
    closed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBar(ClosedBar):
    """A closed bar with the features of its close. indicators: name → value, None while a ticker has too few bars."""

    timeframe: str
    indicators: Mapping[str, float | None]
    feature_set: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestBar:
    """The newest bar of a pair that had closed. features_hash: of its stored features."""

    pair: str
    timestamp: datetime
    closed_at: datetime
    close: float
    features_hash: str


def features_hash(feature_set: str, indicators: Mapping[str, float | None]) -> str:
    """SHA-256 of the features of a bar, by name.

    >>> features_hash("v1", {"ret_1": 0.1}) == features_hash("v1", {"ret_1": 0.2})
    False
    """
    return hashlib.sha256(canonical_json([feature_set, dict(indicators)]).encode()).hexdigest()


def append_market_data(tx: sa.Connection, bars: Sequence[SeenBar], ingested_at: datetime) -> int:
    """Write bars down; one that stands already stays as it was first seen. Gives how many were new."""
    names = [name for name in SeenBar.__dataclass_fields__ if name != "indicators"]
    rows = [
        {
            **{name: getattr(bar, name) for name in names},
            "indicators": dict(bar.indicators),
            "features_hash": features_hash(bar.feature_set, bar.indicators),
            "ingested_at": ingested_at,
        }
        for bar in bars
    ]
    wanted = conflict_insert(tx, market_data).on_conflict_do_nothing().returning(market_data.c.timestamp)
    return len(tx.execute(wanted, rows).all()) if rows else 0


def seen_bars(tx: sa.Connection, timeframe: str, since: Mapping[str, datetime]) -> dict[str, dict[datetime, ClosedBar]]:
    """Pair → open time → bar, of each pair from its instant on. since: by pair."""
    if not since:
        return {}
    return _by_pair(tx, timeframe, since, market_data.c.timestamp >= _of_pair(since))


def bars_behind(
    tx: sa.Connection, timeframe: str, behind: Mapping[str, datetime], at: datetime
) -> dict[str, list[ClosedBar]]:
    """Pair → the bars that opened after its instant and had closed by `at`, in order of time. behind: by pair."""
    if not behind:
        return {}
    c = market_data.c
    found = _by_pair(tx, timeframe, behind, (c.timestamp > _of_pair(behind)) & (c.closed_at <= at))
    return {pair: list(bars.values()) for pair, bars in found.items()}


def newest_bars(tx: sa.Connection, timeframe: str, pairs: Sequence[str], at: datetime) -> list[NewestBar]:
    """The newest bar of each pair that had closed by `at`, in the order of the pairs; without pairs that have none."""
    c = market_data.c
    newest = (
        sa.select(c.pair, sa.func.max(c.timestamp, type_=UtcTime()).label("timestamp"))
        .where(c.timeframe == timeframe, c.pair.in_(pairs), c.closed_at <= at)
        .group_by(c.pair)
        .subquery()
    )
    columns = [c[name] for name in NewestBar.__dataclass_fields__]
    joined = sa.select(*columns).join(
        newest, (newest.c.pair == c.pair) & (newest.c.timestamp == c.timestamp) & (c.timeframe == timeframe)
    )
    found = {row["pair"]: NewestBar(**row) for row in tx.execute(joined).mappings()}
    return [found[pair] for pair in pairs if pair in found]


def _by_pair(
    tx: sa.Connection, timeframe: str, pairs: Mapping[str, datetime], condition: sa.ColumnElement[bool]
) -> dict[str, dict[datetime, ClosedBar]]:
    bars: dict[str, dict[datetime, ClosedBar]] = {pair: {} for pair in pairs}
    c = market_data.c
    # The earliest instant of all lets the database use its key; the one of each pair then decides.
    chosen = (
        sa.select(*(c[name] for name in ClosedBar.__dataclass_fields__))
        .where(c.timeframe == timeframe, c.pair.in_(list(pairs)), c.timestamp >= min(pairs.values()), condition)
        .order_by(c.pair, c.timestamp)
    )
    for row in tx.execute(chosen).mappings():
        bars[row["pair"]][row["timestamp"]] = ClosedBar(**row)
    return bars


def _of_pair(instants: Mapping[str, datetime]) -> sa.ColumnElement[datetime]:
    values = {pair: sa.literal(at, UtcTime()) for pair, at in instants.items()}
    return sa.case(values, value=market_data.c.pair)
