"""Signals: what versions said of closed bars, written once, and what came of each, said once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import polars as pl
import sqlalchemy as sa

from pawl.ids import ModelVersion
from pawl.ledger.column_types import UtcTime, utc_text
from pawl.ledger.conflict_insert import conflict_insert
from pawl.ledger.identity import identity
from pawl.ledger.signal_tables import IS_OPEN, trading_signals
from pawl.market.bars import UTC_TIME

__all__ = [
    "SIGNAL_FRAME_SCHEMA",
    "NewSignal",
    "OpenSignal",
    "SignalOutcome",
    "last_signalled",
    "note_bars",
    "open_signals",
    "record_signals",
    "resolve_signal",
    "signal_frame",
    "signal_id",
]

SIGNAL_FRAME_SCHEMA = pl.Schema(
    {
        "id": pl.String(),
        "pair": pl.String(),
        "timeframe": pl.String(),
        "bar_timestamp": UTC_TIME,
        "model_version": pl.String(),
        "ab_test_id": pl.String(),
        "is_shadow": pl.Boolean(),
        "signal": pl.String(),
        "confidence": pl.Float64(),
        "actual_outcome": pl.String(),
        "actual_pnl": pl.Float64(),
        "actual_pnl_percent": pl.Float64(),
        "outcome_source": pl.String(),
        "created_at": UTC_TIME,
        "updated_at": UTC_TIME,
        "resolved_at": UTC_TIME,
    }
)
"""actual_pnl: net result after costs of one unit of notional, fraction; actual_pnl_percent: the same in percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSignal:
    """What a version says of a bar. bar_timestamp: its open time. features_hash: of what the version was shown.

    entry_price, atr: the close of the bar and its ATR14; atr is None where a learner has none, and such a signal is
    resolved at the horizon alone. ab_test_id: of the test that routed the bar. is_shadow: it decides and does not act.
    """

    pair: str
    timeframe: str
    bar_timestamp: datetime
    model_version: ModelVersion
    learner: str
    signal: Literal["buy", "sell", "hold"]
    confidence: float
    features_hash: str
    trace_id: str
    inference_id: UUID | None = None
    ab_test_id: UUID | None = None
    is_shadow: bool = False
    entry_price: float | None = None
    atr: float | None = None

    @property
    def id(self) -> UUID:
        """The same whenever this version says something of this bar."""
        return signal_id(self.pair, self.timeframe, self.bar_timestamp, self.model_version)


NEW_COLUMNS = tuple(NewSignal.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSignal(NewSignal):
    """A signal as it stands, without its outcome, or without that of the bars. created_at: when it was given."""

    created_at: datetime
    actual_outcome: str | None
    virtual_outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalOutcome:
    """What came of a signal. pnl: net of one unit of notional after costs, fraction."""

    outcome: Literal["win", "loss", "breakeven", "expired"]
    pnl: float
    source: Literal["real", "virtual"]


def _resolving(source: str) -> sa.Update:
    """The statement, made once: signals are resolved one by one, by hundreds."""
    c = trading_signals.c
    outcome, pnl = sa.bindparam("outcome", type_=sa.String()), sa.bindparam("pnl", type_=sa.Float())
    at = sa.bindparam("at", type_=UtcTime())
    values: dict[str, object] = {
        "actual_outcome": outcome,
        "actual_pnl": pnl,
        "actual_pnl_percent": 100.0 * pnl,
        "outcome_source": sa.bindparam("source"),
        "resolved_at": at,
        "updated_at": at,
    }
    is_open: sa.ColumnElement[bool] = c.actual_outcome.is_(None)
    if source == "real":
        is_open = is_open | (c.outcome_source == "virtual")
    else:
        by_bars = {"virtual_outcome": outcome, "virtual_pnl": pnl, "virtual_at": at}
        values |= {name: sa.func.coalesce(c[name], said) for name, said in by_bars.items()}
    return sa.update(trading_signals).where(c.id == sa.bindparam("which"), is_open).values(values)


RESOLVING = {source: _resolving(source) for source in ("real", "virtual")}


def signal_id(pair: str, timeframe: str, bar_timestamp: datetime, version: str) -> UUID:
    """The id of what a version says of a bar."""
    return identity("signal", pair, timeframe, utc_text(bar_timestamp), version)


def record_signals(tx: sa.Connection, rows: Sequence[NewSignal], at: datetime) -> list[NewSignal]:
    """Write signals down, and give those that are new; what a version has said of a bar stands, whoever says it again.

    at: the instant they were given at.
    """
    values = [
        {"id": row.id, "created_at": at, "updated_at": at, **{name: getattr(row, name) for name in NEW_COLUMNS}}
        for row in rows
    ]
    wanted = conflict_insert(tx, trading_signals).on_conflict_do_nothing().returning(trading_signals.c.id)
    new = set(tx.execute(wanted, values).scalars()) if values else set()
    return [row for row in rows if row.id in new]


def open_signals(tx: sa.Connection, learner: str) -> list[OpenSignal]:
    """Every buy or sell of a learner that has no outcome, or of which the bars have not said theirs, in the order of
    their bars; of shadow versions too.
    """
    c = trading_signals.c
    chosen = (
        sa.select(*(c[name] for name in OpenSignal.__dataclass_fields__))
        .where(c.learner == learner, sa.text(IS_OPEN))
        .order_by(c.bar_timestamp, c.pair, c.model_version)
    )
    return [OpenSignal(**row) for row in tx.execute(chosen).mappings()]


def resolve_signal(tx: sa.Connection, which: UUID, outcome: SignalOutcome, at: datetime) -> bool:
    """Say what came of a signal. False where that was said before: only a virtual outcome gives way, to a real one."""
    said = {"which": which, "outcome": outcome.outcome, "pnl": outcome.pnl, "source": outcome.source, "at": at}
    return tx.execute(RESOLVING[outcome.source], said).rowcount == 1


def note_bars(tx: sa.Connection, which: UUID, outcome: SignalOutcome, at: datetime) -> bool:
    """Write down what the bars say of a signal, which is said once. False where it was said before."""
    c = trading_signals.c
    unsaid = sa.update(trading_signals).where(c.id == which, c.virtual_outcome.is_(None))
    said = {"virtual_outcome": outcome.outcome, "virtual_pnl": outcome.pnl, "virtual_at": at}
    return tx.execute(unsaid.values(said)).rowcount == 1


def last_signalled(tx: sa.Connection, learner: str, timeframe: str) -> dict[str, datetime]:
    """Pair → open time of the newest bar that a version which acts has said something of."""
    c = trading_signals.c
    newest = (
        sa.select(c.pair, sa.func.max(c.bar_timestamp, type_=UtcTime()))
        .where(c.learner == learner, c.timeframe == timeframe, ~c.is_shadow)
        .group_by(c.pair)
    )
    return {pair: ts for pair, ts in tx.execute(newest)}


def signal_frame(
    tx: sa.Connection,
    learner: str,
    since: datetime,
    until: datetime,
    by: Literal["created_at", "resolved_at"] = "created_at",
) -> pl.DataFrame:
    """Signals of a learner that were given, or resolved, after `since` and not after `until`: SIGNAL_FRAME_SCHEMA.

    The end counts: a run at an instant comes after the cycles of that instant, and reads what they wrote. So two runs
    that follow each other read everything once.
    """
    c = trading_signals.c
    columns = [c[name] for name in SIGNAL_FRAME_SCHEMA]
    span = (c[by] > since) & (c[by] <= until)
    order = (c[by], c.bar_timestamp, c.pair, c.model_version)
    rows = tx.execute(sa.select(*columns).where(c.learner == learner, span).order_by(*order)).all()
    by_name = {
        name: [None if row[place] is None else _plain(row[place]) for row in rows]
        for place, name in enumerate(SIGNAL_FRAME_SCHEMA)
    }
    return pl.DataFrame(by_name, schema=SIGNAL_FRAME_SCHEMA)


def _plain(value: object) -> object:
    return str(value) if isinstance(value, UUID) else value
