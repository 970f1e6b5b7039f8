"""Heartbeats of worker processes: who lives, and whose work another may take over."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from pawl.ledger.conflict_insert import conflict_insert
from pawl.ledger.database import Ledger
from pawl.ledger.service_tables import worker_heartbeats

__all__ = ["beat", "dead_executors", "known_executors", "lay_down", "taking_over"]

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def beat(tx: sa.Connection, executor_id: str, now: datetime) -> None:
    """Say that a process lives."""
    row = conflict_insert(tx, worker_heartbeats).values(executor_id=executor_id, beat_at=now)
    tx.execute(row.on_conflict_do_update(index_elements=["executor_id"], set_={"beat_at": now}))


def lay_down(tx: sa.Connection, executor_id: str) -> None:
    """Say that a process has stopped: whatever it left is another's at once."""
    beat(tx, executor_id, NEVER)


def known_executors(tx: sa.Connection) -> list[str]:
    """Every process that was heard of and has not been taken over."""
    return list(tx.execute(sa.select(worker_heartbeats.c.executor_id)).scalars())


def dead_executors(tx: sa.Connection, now: datetime, dead_after: timedelta) -> list[str]:
    """Processes that have not been heard of for longer than `dead_after`."""
    c = worker_heartbeats.c
    return list(tx.execute(sa.select(c.executor_id).where(c.beat_at < now - dead_after).order_by(c.beat_at)).scalars())


@contextmanager
def taking_over(
    ledger: Ledger, executor_id: str, now: datetime, dead_after: timedelta
) -> Iterator[sa.Connection | None]:
    """A transaction in which the work of a dead process may be taken over; None when another was faster. One asks at a
    time; the process is forgotten when the block ends well, and whoever dies inside it leaves everything to the next.
    """
    c = worker_heartbeats.c
    with ledger.transaction() as tx:
        is_dead = sa.select(c.executor_id).where(c.executor_id == executor_id, c.beat_at < now - dead_after)
        found = tx.execute(is_dead.with_for_update()).one_or_none() is not None
        yield tx if found else None
        if found:
            tx.execute(sa.delete(worker_heartbeats).where(c.executor_id == executor_id))
