"""What triggers look at in the ledger, as plain columns: outcomes, holds, feature rows and pairs of two versions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from pawl.ledger.live_tables import market_data
from pawl.ledger.signal_tables import trading_signals
from pawl.market.bars import UTC_TIME

__all__ = ["acted_holds", "count_feature_rows", "feature_rows", "paired_signals", "resolved_wins"]

AT_ONCE = 500  # SQLite refuses statements of more than some 32,000 parameters, and plans long lists slowly


def resolved_wins(tx: sa.Connection, learner: str, since: datetime, until: datetime) -> pl.DataFrame:
    """`at`, `hit`, `confidence` of the positions taken that were won or lost in (since, until], in order of time.

    A win rate is wins / (wins + losses): what broke even or expired counts in neither.
    """
    c = trading_signals.c
    of_learner = (c.learner == learner) & ~c.is_shadow & (c.signal != "hold")
    ended = (c.resolved_at > since) & (c.resolved_at <= until) & c.actual_outcome.in_(("win", "loss"))
    chosen = sa.select(c.resolved_at, c.actual_outcome, c.confidence).where(of_learner, ended)
    rows = tx.execute(chosen.order_by(c.resolved_at, c.bar_timestamp, c.pair, c.model_version)).all()
    columns = {
        "at": [row[0] for row in rows],
        "hit": [float(row[1] == "win") for row in rows],
        "confidence": [row[2] for row in rows],
    }
    return pl.DataFrame(columns, schema={"at": UTC_TIME, "hit": pl.Float64(), "confidence": pl.Float64()})


def acted_holds(tx: sa.Connection, learner: str, since: datetime, until: datetime) -> pl.DataFrame:
    """`at`, `is_hold` (0 or 1) of every decision in (since, until] of versions that act, in order of time."""
    c = trading_signals.c
    chosen = sa.select(c.created_at, c.signal).where(
        c.learner == learner, ~c.is_shadow, c.created_at > since, c.created_at <= until
    )
    rows = tx.execute(chosen.order_by(c.created_at, c.bar_timestamp, c.pair, c.model_version)).all()
    columns = {"at": [row[0] for row in rows], "is_hold": [float(row[1] == "hold") for row in rows]}
    return pl.DataFrame(columns, schema={"at": UTC_TIME, "is_hold": pl.Float64()})


def feature_rows(
    tx: sa.Connection, pairs: Sequence[str], timeframe: str, opened: Sequence[datetime], at: datetime
) -> list[tuple[str, datetime, dict[str, Any]]]:
    """Pair, open time and features of the bars that opened at these instants and had been stored by `at`."""
    c = market_data.c
    found = []
    for first in range(0, len(opened), AT_ONCE):
        some = opened[first : first + AT_ONCE]
        chosen = sa.select(c.pair, c.timestamp, c.indicators).where(
            c.pair.in_(pairs), c.timeframe == timeframe, c.timestamp.in_(some), c.ingested_at <= at
        )
        found += [(row[0], row[1], row[2]) for row in tx.execute(chosen)]
    return found


def count_feature_rows(
    tx: sa.Connection, pairs: Sequence[str], timeframe: str, since: datetime, until: datetime
) -> int:
    """How many bars are stored that opened in [since, until]."""
    c = market_data.c
    counted = sa.select(sa.func.count()).where(
        c.pair.in_(pairs), c.timeframe == timeframe, c.timestamp >= since, c.timestamp <= until
    )
    return int(tx.execute(counted).scalar_one())


def paired_signals(tx: sa.Connection, candidate: str, stayed: str, until: datetime) -> pl.DataFrame:
    """Bars of which two versions said something by `until`: `decided_at` (the later of the two), and of each the net
    result in bps, `candidate_bps` and `stayed_bps`: 0 for a hold, null while unresolved at `until`.
    """
    ours, theirs = trading_signals.alias("ours"), trading_signals.alias("theirs")
    same_bar = sa.and_(*(ours.c[name] == theirs.c[name] for name in ("learner", "pair", "timeframe", "bar_timestamp")))

    def result(of: sa.FromClause) -> sa.ColumnElement[Any]:
        is_known = of.c.resolved_at <= until
        return sa.case((of.c.signal == "hold", 0.0), (is_known, 100.0 * of.c.actual_pnl_percent), else_=None)

    chosen = (
        sa.select(ours.c.created_at, theirs.c.created_at, result(ours), result(theirs))
        .select_from(ours.join(theirs, same_bar))
        .where(ours.c.model_version == candidate, theirs.c.model_version == stayed)
        .where(ours.c.created_at <= until, theirs.c.created_at <= until)
        .order_by(ours.c.bar_timestamp, ours.c.pair)
    )
    rows = tx.execute(chosen).all()
    columns = {
        "decided_at": [max(row[0], row[1]) for row in rows],
        "candidate_bps": [row[2] for row in rows],
        "stayed_bps": [row[3] for row in rows],
    }
    schema = {"decided_at": UTC_TIME, "candidate_bps": pl.Float64(), "stayed_bps": pl.Float64()}
    return pl.DataFrame(columns, schema=schema)
