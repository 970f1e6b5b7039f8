"""Delivery of events: which wait, in which order, and what became of each try.

Delivery is at least once and in the order of recording; whoever takes an event up makes its effect, and says that it is
processed, in one transaction, so that the effect is there once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.ledger.backoff import Backoff
from pawl.ledger.dead_letters import park
from pawl.ledger.event_tables import event_outbox

__all__ = [
    "Due",
    "claim_events",
    "count_pending",
    "due_events",
    "mark_failed",
    "put_back",
    "still_waiting",
]

DELIVERY_LOCK = 0x50617774  # any fixed number; PostgreSQL's advisory lock of one delivery at a time
IDS_AT_ONCE = 500  # SQLite refuses statements of more than some 32,000 parameters, and plans long lists slowly


ORDER = (event_outbox.c.recorded_at, event_outbox.c.chain_month, event_outbox.c.chain_number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An event whose turn it is. The three together tell one turn of an event from every other."""

    event_id: UUID
    attempts: int
    next_attempt_at: datetime | None


def due_events(tx: sa.Connection, now: datetime, limit: int) -> list[Due]:
    """Events that wait and may be tried now, in the order of recording, at most `limit`."""
    c = event_outbox.c
    waiting = sa.or_(c.next_attempt_at.is_(None), c.next_attempt_at <= now)
    chosen = (
        sa.select(c.event_id, c.attempts, c.next_attempt_at)
        .where(c.processed_at.is_(None), waiting)
        .order_by(*ORDER)
        .limit(limit)
    )
    return [
        Due(event_id=row.event_id, attempts=row.attempts, next_attempt_at=row.next_attempt_at)
        for row in tx.execute(chosen)
    ]


def count_pending(tx: sa.Connection) -> int:
    """Events that wait, those that wait for their next try too."""
    c = event_outbox.c
    return tx.execute(sa.select(sa.func.count()).where(c.processed_at.is_(None))).scalar_one()


def claim_events(tx: sa.Connection, event_ids: Sequence[UUID]) -> list[Due]:
    """Those of the events that still wait, in the order of recording. Nobody else delivers until this transaction ends,
    for the effects of two deliveries may meet in one trajectory.
    """
    if tx.dialect.name == "postgresql":
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(DELIVERY_LOCK)))
    return _waiting(tx, event_ids)


def still_waiting(tx: sa.Connection, event_ids: Sequence[UUID]) -> list[UUID]:
    """Those of the events that still wait, in the order of recording; others may deliver them meanwhile."""
    return [one.event_id for one in _waiting(tx, event_ids)]


def _waiting(tx: sa.Connection, event_ids: Sequence[UUID]) -> list[Due]:
    c = event_outbox.c
    found: list[sa.Row[Any]] = []
    for start in range(0, len(event_ids), IDS_AT_ONCE):
        chosen = c.event_id.in_(event_ids[start : start + IDS_AT_ONCE]) & c.processed_at.is_(None)
        found.extend(tx.execute(sa.select(*ORDER, c.event_id, c.attempts, c.next_attempt_at).where(chosen)))
    found.sort(key=lambda row: (row.recorded_at, row.chain_month or "", row.chain_number or 0))
    return [Due(event_id=row.event_id, attempts=row.attempts, next_attempt_at=row.next_attempt_at) for row in found]


def mark_failed(tx: sa.Connection, event: Due, error: str, worker: str, backoff: Backoff, now: datetime) -> bool:
    """Say that a try failed: the event waits for its next, or is parked as a dead letter (True) and waits no more."""
    attempts = event.attempts + 1
    is_over = backoff.is_over(attempts)
    if is_over:
        park(tx, worker, str(event.event_id), error, attempts, now)
    values = {
        "attempts": attempts,
        "processed_at": now if is_over else None,
        "next_attempt_at": None if is_over else now + backoff.after(attempts, str(event.event_id)),
    }
    tx.execute(sa.update(event_outbox).where(event_outbox.c.event_id == event.event_id).values(values))
    return is_over


def put_back(tx: sa.Connection, event_id: UUID, now: datetime) -> None:
    """Let a parked event wait again, as if it had never been tried."""
    values = {"processed_at": None, "attempts": 0, "next_attempt_at": now}
    tx.execute(sa.update(event_outbox).where(event_outbox.c.event_id == event_id).values(values))
