"""What stands in the ledger of a signal or a trade, read for the action that follows it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import NotFoundError
from pawl.ledger.event_payloads import SignalConverted, SignalTracked, TradeOpened, read_payload
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.trade_tables import quick_trades, tracked_signals

__all__ = ["OpenedTrade", "Signal", "is_written", "opened_trade", "signal_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A tracked signal. tracked_at: when it was decided."""

    signal_id: UUID
    inference_id: UUID | None
    ticker: str
    direction: str
    tracked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedTrade:
    """A trade and the decision it came from. decision_price: None where none was recorded."""

    trade_id: UUID
    decision_id: UUID
    inference_id: UUID | None
    opening: TradeOpened | SignalConverted
    decision_price: float | None


def signal_of(tx: sa.Connection, signal_id: UUID, user_id: UUID) -> Signal:
    """A user's signal. NotFoundError for an unknown one, and for another user's."""
    c = tracked_signals.c
    wanted = sa.select(c.signal_id, c.inference_id, c.ticker, c.direction, c.tracked_at)
    row = tx.execute(wanted.where(c.signal_id == signal_id, c.user_id == user_id)).mappings().one_or_none()
    if row is None:
        raise NotFoundError("no such signal", where="path", fix="take the signal_id of a signal that you track")
    return Signal(**row)


def opened_trade(tx: sa.Connection, trade_id: UUID, user_id: UUID) -> OpenedTrade:
    """A user's trade, open or closed. NotFoundError for an unknown one, and for another user's.

    Everything about it is read from its events: they were frozen when it was opened.
    """
    t, e = quick_trades.c, event_outbox.c
    row = tx.execute(
        sa.select(t.trace_id, t.signal_id, t.inference_id).where(t.trade_id == trade_id, t.user_id == user_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError("no such trade", where="path", fix="take the trade_id of a trade that you opened")
    # A trace has a handful of events, and an index; `source_event_id` has none.
    events = tx.execute(
        sa.select(e.event_type, e.source_event_id, e.payload).where(e.trace_id == row.trace_id, e.user_id == user_id)
    ).all()
    payloads = {one.source_event_id: read_payload(one.event_type, one.payload) for one in events}
    opening = payloads[trade_id]
    assert isinstance(opening, TradeOpened | SignalConverted)
    decision = payloads[row.signal_id or trade_id]
    assert isinstance(decision, TradeOpened | SignalTracked)
    return OpenedTrade(
        trade_id=trade_id,
        decision_id=row.signal_id or trade_id,
        inference_id=row.inference_id,
        opening=opening,
        decision_price=decision.decision_price,
    )


def is_written(tx: sa.Connection, event_id: UUID) -> bool:
    """Whether an event stands in the ledger."""
    return tx.execute(sa.select(event_outbox.c.event_id).where(event_outbox.c.event_id == event_id)).first() is not None
