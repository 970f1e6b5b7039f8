"""Users' real trades on signals: which are open, and which have closed since their signal was last resolved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import sqlalchemy as sa

from pawl.ledger.live_tables import user_trading_history
from pawl.ledger.signal_tables import trading_signals

__all__ = ["ClosedTrade", "closed_trades", "record_trade", "traded_signals"]


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


def record_trade(tx: sa.Connection, trade: dict[str, object]) -> None:
    """Write down a trade, or what became of it. trade: columns of `user_trading_history`, its `id` among them."""
    c = user_trading_history.c
    stands = tx.execute(sa.select(c.id).where(c.id == trade["id"])).one_or_none()
    if stands is None:
        tx.execute(sa.insert(user_trading_history).values(trade))
    else:
        tx.execute(sa.update(user_trading_history).where(c.id == trade["id"]).values(trade))


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


def traded_signals(tx: sa.Connection, signal_ids: Sequence[UUID], at: datetime) -> set[UUID]:
    """Those of the signals on which a trade had been opened by `at`."""
    c = user_trading_history.c
    found: set[UUID] = set()
    for first in range(0, len(signal_ids), 500):
        some = signal_ids[first : first + 500]
        found.update(tx.execute(sa.select(c.signal_id).where(c.signal_id.in_(some), c.opened_at <= at)).scalars())
    return found
