"""What users did with the signals of a learner, as the events of the four write paths tell it, each read once.

The events of a month hang on one chain, in which each has its place, and one becomes visible with the head that counts
it. So the place of the last event that was read is a mark that nothing slips behind, and what is new is found by the
index that stands for the chain's sake: whoever writes an event does nothing for this.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import InputError
from pawl.ledger.chain_tables import chain_heads
from pawl.ledger.conflict_insert import conflict_insert
from pawl.ledger.decision_tables import inference_logs
from pawl.ledger.event_payloads import EventPayload, read_payload
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.live_tables import trade_marks
from pawl.ledger.signal_tables import trading_signals

__all__ = ["NewTradeEvents", "TradeEvent", "TradedSignal", "move_marks", "new_trade_events"]

OF_TRADES = ("trade.opened", "signal.converted", "trade.closed")


@dataclass(frozen=True, slots=True, kw_only=True)
class TradedSignal:
    """The signal that an event names by its inference. created_at: when it was given. resolved_at: None while it is
    open.
    """

    id: UUID
    pair: str
    signal: Literal["buy", "sell", "hold"]
    is_shadow: bool
    created_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeEvent:
    """A trade was opened, a tracked signal became one, or one was closed, by a user."""

    user_id: UUID
    said: EventPayload
    signal: TradedSignal


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTradeEvents:
    """The events behind a mark, in their order. unreadable: those whose payload breaks its contract. marks: month → the
    place of the last event that is read now. key: a text that grows from one look to the next. Both are empty where no
    event of any kind is new.
    """

    events: tuple[TradeEvent, ...] = ()
    unreadable: tuple[UUID, ...] = ()
    marks: Mapping[str, int] = field(default_factory=dict)
    key: str = ""


def new_trade_events(tx: sa.Connection, learner: str) -> NewTradeEvents:
    """What users did with signals of a learner since its mark. Where nothing happened at all it costs one question."""
    moved = tx.execute(_MOVED, {"learner": learner}).all()  # two at once around the turn of a month
    if not moved:
        return NewTradeEvents()
    events: list[TradeEvent] = []
    unreadable: list[UUID] = []
    for month, mark, _ in moved:
        for row in tx.execute(_behind(month, mark)):
            # Asked for here, the learner would have both databases begin with all of its signals.
            if row.learner != learner:
                continue
            try:
                events.append(_event(row))
            except InputError:
                unreadable.append(row.event_id)
    marks = {month: head for month, _, head in moved}
    return NewTradeEvents(
        events=tuple(events),
        unreadable=tuple(unreadable),
        marks=marks,
        key=f"{max(marks)}/{marks[max(marks)]:012d}",
    )


def move_marks(tx: sa.Connection, learner: str, marks: Mapping[str, int]) -> None:
    """Say, in the transaction of what was made of them, how far the events are read."""
    for month, number in marks.items():
        new = conflict_insert(tx, trade_marks).values(learner=learner, chain_month=month, chain_number=number)
        tx.execute(
            new.on_conflict_do_update(
                index_elements=["learner", "chain_month"], set_={"chain_number": new.excluded.chain_number}
            )
        )


# Made once: it is asked every minute, and to put it together takes longer than to answer it.
_h, _m = chain_heads.c, trade_marks.c
_READ = sa.func.coalesce(_m.chain_number, 0)
_MOVED = (
    sa.select(_h.chain_month, _READ, _h.n_rows)
    .select_from(
        chain_heads.outerjoin(trade_marks, (_m.chain_month == _h.chain_month) & (_m.learner == sa.bindparam("learner")))
    )
    .where(_h.table_name == event_outbox.name, _READ < _h.n_rows)
    .order_by(_h.chain_month)
)


def _behind(month: str, mark: int) -> sa.Select[Any]:
    """The events of trades on live signals behind a place of a month's chain, in their order."""
    e, s, i = event_outbox.c, trading_signals.c, inference_logs.c
    # A signal is found by its trace, for which it has an index; by its inference it has none.
    joined = event_outbox.join(inference_logs, i.inference_id == e.inference_id).join(
        trading_signals, (s.trace_id == i.trace_id) & (s.inference_id == i.inference_id)
    )
    is_new = (e.chain_month == month) & (e.chain_number > mark)
    signal = (s.id, s.pair, s.signal, s.is_shadow, s.created_at, s.resolved_at, s.learner)
    return (
        sa.select(e.event_id, e.user_id, e.event_type, e.payload, *signal)
        .select_from(joined)
        .where(is_new, e.event_type.in_(OF_TRADES))
        .order_by(e.chain_number)
    )


def _event(row: sa.Row[Any]) -> TradeEvent:
    signal = TradedSignal(
        id=row.id,
        pair=row.pair,
        signal=row.signal,
        is_shadow=row.is_shadow,
        created_at=row.created_at,
        resolved_at=row.resolved_at,
    )
    return TradeEvent(user_id=row.user_id, said=read_payload(row.event_type, row.payload), signal=signal)
