"""Due times of schedules: each is taken up once, whoever asks, and however often everybody is restarted."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from pawl.ledger.column_types import UtcTime
from pawl.ledger.conflict_insert import conflict_insert
from pawl.ledger.service_tables import schedule_runs

__all__ = ["forget_before", "is_taken", "newest_due", "newest_taken", "take_up"]

EPOCH = datetime(2000, 1, 3, tzinfo=UTC)
"""A Monday, so that weekly runs fall on one."""


def newest_due(every: timedelta, now: datetime) -> datetime:
    """The newest due time that is not after `now`. Of several that were missed only this one runs.

    >>> newest_due(timedelta(days=7), datetime(2026, 11, 25, 15, 30, tzinfo=UTC)).isoformat()
    '2026-11-23T00:00:00+00:00'
    """
    return EPOCH + ((now - EPOCH) // every) * every


def is_taken(tx: sa.Connection, schedule: str, due_at: datetime) -> bool:
    """Whether a due time was taken up."""
    return _started_at(tx, schedule, due_at) is not None


def take_up(tx: sa.Connection, schedule: str, due_at: datetime, started_at: datetime) -> bool:
    """Take a due time up. True for whoever wrote it down first, and for the same run when it asks again.

    started_at: what tells one run from another; the run keeps it for as long as it lasts.
    """
    row = {"schedule": schedule, "due_at": due_at, "started_at": started_at}
    tx.execute(conflict_insert(tx, schedule_runs).values(row).on_conflict_do_nothing())
    return _started_at(tx, schedule, due_at) == started_at


def newest_taken(tx: sa.Connection, schedules: Sequence[str]) -> dict[str, datetime]:
    """Schedule → the newest due time that was taken up; without those of which none was."""
    c = schedule_runs.c
    newest = sa.select(c.schedule, sa.func.max(c.due_at, type_=UtcTime())).where(c.schedule.in_(schedules))
    return {schedule: due_at for schedule, due_at in tx.execute(newest.group_by(c.schedule))}


def forget_before(tx: sa.Connection, schedule: str, instant: datetime) -> None:
    """Let go of what was taken up before an instant, of a schedule of which only the newest is ever asked for."""
    c = schedule_runs.c
    tx.execute(sa.delete(schedule_runs).where(c.schedule == schedule, c.due_at < instant))


def _started_at(tx: sa.Connection, schedule: str, due_at: datetime) -> datetime | None:
    c = schedule_runs.c
    return tx.execute(sa.select(c.started_at).where(c.schedule == schedule, c.due_at == due_at)).scalar_one_or_none()
