"""Events of the loop, written down in the transaction of what they tell of, and published after it by the relay."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import NotFoundError
from pawl.ledger.conflict_insert import conflict_insert
from pawl.ledger.database import Ledger
from pawl.ledger.loop_payloads import LoopPayload
from pawl.ledger.loop_tables import loop_outbox

__all__ = [
    "Announced",
    "announce",
    "forget_published",
    "mark_published",
    "note_failure",
    "publish_again",
    "publishing_turn",
    "unpublished",
]

PUBLISHING_LOCK = 0x5061776F  # any fixed number; PostgreSQL's advisory lock of one relay at a time
IDS_AT_ONCE = 500  # SQLite refuses statements of more than some 32,000 parameters, and plans long lists slowly


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """An event that was written down. at: when it happened. payload: as JSON. attempts: publications that came to
    nothing: they failed, or somebody asked for the event again.
    """

    event_id: UUID
    topic: str
    at: datetime
    payload: dict[str, Any]
    trace_id: str | None
    attempts: int


def announce(tx: sa.Connection, payload: LoopPayload, at: datetime, trace_id: str | None = None) -> UUID:
    """Write an event down, to be published once this transaction is committed; its id.

    A step that is repeated announces once: of two payloads of one name (`named_by`) the first stands.
    """
    row = {
        "event_id": payload.event_id,
        "topic": payload.topic,
        "at": at,
        "payload": payload.model_dump(mode="json"),
        "trace_id": trace_id,
    }
    tx.execute(conflict_insert(tx, loop_outbox).values(row).on_conflict_do_nothing(index_elements=["event_id"]))
    return payload.event_id


def unpublished(tx: sa.Connection, limit: int) -> list[Announced]:
    """Events that wait to be published, in the order of writing, at most `limit`."""
    c = loop_outbox.c
    wanted = (c.event_id, c.topic, c.at, c.payload, c.trace_id, c.attempts)
    chosen = sa.select(*wanted).where(c.published_at.is_(None)).order_by(c.number).limit(limit)
    return [Announced(**row._mapping) for row in tx.execute(chosen)]


def mark_published(tx: sa.Connection, told: Mapping[UUID, int], at: datetime) -> None:
    """Say that the bus has events; one that it had before keeps its first time. told: the attempts of each when it was
    read; one that was asked for again meanwhile waits on, for the bus has it from before.
    """
    c = loop_outbox.c
    for some in _portions(list(told)):
        read = sa.tuple_(c.event_id, c.attempts).in_([(one, told[one]) for one in some])
        tx.execute(sa.update(loop_outbox).where(read, c.published_at.is_(None)).values(published_at=at))


def note_failure(tx: sa.Connection, event_ids: Sequence[UUID]) -> None:
    """Count a publication that failed; the events wait on."""
    c = loop_outbox.c
    for some in _portions(event_ids):
        tx.execute(sa.update(loop_outbox).where(c.event_id.in_(some)).values(attempts=c.attempts + 1))


def publish_again(tx: sa.Connection, event_id: UUID) -> None:
    """Let an event be published once more, also where it is on its way; NotFoundError when there is none."""
    c = loop_outbox.c
    waiting = sa.update(loop_outbox).where(c.event_id == event_id).values(published_at=None, attempts=c.attempts + 1)
    if tx.execute(waiting).rowcount != 1:
        raise NotFoundError(f"no event {event_id}", where="loop_outbox", fix="only what is kept can be published again")


def forget_published(tx: sa.Connection, before: datetime, limit: int, kept: Collection[UUID] = ()) -> int:
    """Remove rows that were published before an instant, at most `limit`, the oldest first; how many. One that waits
    stays, and so do those of `kept`, which may have to be published again.
    """
    c = loop_outbox.c
    # The oldest are looked at and no others: where nothing is to go, a few rows of a table of years tell.
    oldest = sa.select(c.number, c.event_id, c.published_at).where(c.published_at.is_not(None)).order_by(c.number)
    rows = tx.execute(oldest.limit(limit + len(kept))).all()
    gone = [row.number for row in rows if row.published_at < before and row.event_id not in kept][:limit]
    for start in range(0, len(gone), IDS_AT_ONCE):
        tx.execute(sa.delete(loop_outbox).where(c.number.in_(gone[start : start + IDS_AT_ONCE])))
    return len(gone)


@contextmanager
def publishing_turn(ledger: Ledger) -> Iterator[bool]:
    """Whether this relay may publish until the block ends. One at a time on PostgreSQL, so that events keep their
    order; on SQLite always, for there one process publishes.
    """
    if ledger.engine.dialect.name != "postgresql":
        yield True
        return
    with ledger.reading() as turn:
        yield bool(turn.execute(sa.select(sa.func.pg_try_advisory_xact_lock(PUBLISHING_LOCK))).scalar_one())


def _portions(event_ids: Sequence[UUID]) -> list[Sequence[UUID]]:
    return [event_ids[start : start + IDS_AT_ONCE] for start in range(0, len(event_ids), IDS_AT_ONCE)]
