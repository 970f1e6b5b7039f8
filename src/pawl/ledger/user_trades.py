"""Users' real trades on signals: opened and closed once each, and which of them decide or hold up an outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import sqlalchemy as sa

from pawl.ledger.conflict_insert import conflict_insert
from pawl.ledger.live_tables import user_trading_history
from pawl.ledger.signal_tables import trading_signals
from pawl.market.basis_points import BPS

__all__ = ["ClosedTrade", "OpenedTrade", "close_trade", "closed_trades", "open_trade", "traded_signals"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedTrade:
    """A trade that a user opened. signal_id: the signal it follows; None where it follows none."""

    id: UUID
    user_id: UUID
    pair: str
    opened_at: datetime
    entry: float
    signal_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTrade:
    """A closed trade on a signal. pnl: after its costs, in units of the price for each unit traded."""

    signal_id: UUID
    trade_id: UUID
    pair: str
    timeframe: str
    bar_timestamp: datetime
    model_version: str
    signal: Literal["buy", "sell", "hold"]
    is_shadow: bool
    entry: float
    pnl: float
    closed_at: datetime

    @property
    def net_return(self) -> float:
        """Of one unit of notional, fraction."""
        return self.pnl / self.entry


def open_trade(tx: sa.Connection, trade: OpenedTrade, at: datetime) -> bool:
    """Write down that a trade was opened. at: when it was heard of. False where it stands, and stays as it is."""
    values = {name: getattr(trade, name) for name in OpenedTrade.__dataclass_fields__}
    new = conflict_insert(tx, user_trading_history).values(**values, created_at=at)
    once = new.on_conflict_do_nothing(index_elements=["id"]).returning(user_trading_history.c.id)
    return tx.execute(once).one_or_none() is not None


def close_trade(tx: sa.Connection, trade_id: UUID, closed_at: datetime, exit_price: float, pnl_bps: float) -> bool:
    """Write down what became of a trade. pnl_bps: after its costs, of the entry notional. False where its end stands
    already, and where the trade is unknown.
    """
    c = user_trading_history.c
    is_open = (c.id == trade_id) & c.closed_at.is_(None)
    values = {"closed_at": closed_at, "exit": exit_price, "pnl": c.entry * (pnl_bps / BPS)}
    return tx.execute(sa.update(user_trading_history).where(is_open).values(values)).rowcount == 1


def closed_trades(tx: sa.Connection, learner: str, since: datetime, at: datetime) -> list[ClosedTrade]:
    """The trades that closed after `since` and by `at` on signals without a real outcome; of one signal the first."""
    t, s = user_trading_history.c, trading_signals.c
    is_open = s.outcome_source.is_(None) | (s.outcome_source == "virtual")
    own = (s.pair, s.timeframe, s.bar_timestamp, s.model_version, s.signal, s.is_shadow)
    chosen = (
        sa.select(t.signal_id, t.id.label("trade_id"), *own, t.entry, t.pnl, t.closed_at)
        .join(trading_signals, t.signal_id == s.id)
        .where(s.learner == learner, is_open, t.closed_at > since, t.closed_at <= at)
        .order_by(t.closed_at, t.id)
    )
    found: dict[UUID, ClosedTrade] = {}
    for row in tx.execute(chosen).mappings():
        found.setdefault(row["signal_id"], ClosedTrade(**row))
    return list(found.values())


def traded_signals(tx: sa.Connection, signal_ids: Sequence[UUID], since: datetime, at: datetime) -> set[UUID]:
    """Those of the signals on which a trade was opened after `since` and by `at`."""
    c = user_trading_history.c
    found: set[UUID] = set()
    for first in range(0, len(signal_ids), 500):
        some = signal_ids[first : first + 500]
        opened = (c.opened_at > since) & (c.opened_at <= at)
        found.update(tx.execute(sa.select(c.signal_id).where(c.signal_id.in_(some), opened)).scalars())
    return found
