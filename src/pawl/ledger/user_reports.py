"""Reports that users asked for: queued → running → succeeded | failed, each for its user alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import IdempotencyConflictError, NotFoundError, RefusalError
from pawl.ledger.conflict_insert import conflict_insert
from pawl.ledger.identity import identity
from pawl.ledger.service_tables import user_reports

__all__ = [
    "MOST_WAITING",
    "StoredReport",
    "fail_report",
    "get_user_report",
    "request_report",
    "start_report",
    "succeed_report",
    "unfinished_reports",
]


MOST_WAITING = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReport:
    """One row. request: what was asked. content: None until it has succeeded; error: None unless it failed."""

    report_id: UUID
    user_id: UUID
    request: Mapping[str, Any]
    status: str
    content: Mapping[str, Any] | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None


def request_report(
    tx: sa.Connection, user_id: UUID, key: str, request: Mapping[str, Any], now: datetime
) -> tuple[StoredReport, bool]:
    """Queue a report, and whether it is new: the same key again finds the report it made.

    IdempotencyConflictError for a key that was used for another request; RefusalError for a new one while MOST_WAITING
    of this user's wait.
    """
    report_id = identity("report", user_id, key)
    _require_patience(tx, user_id, report_id)
    row = {"report_id": report_id, "user_id": user_id, "request": dict(request), "created_at": now}
    # Of two requests with one key that arrive at once, the later one finds the row of the earlier.
    once = conflict_insert(tx, user_reports).values(row).on_conflict_do_nothing().returning(user_reports.c.report_id)
    is_new = tx.execute(once).one_or_none() is not None
    standing = get_user_report(tx, user_id, report_id)
    if standing.request != request:
        raise IdempotencyConflictError(
            "this key was used for a report over another window",
            where="header Idempotency-Key",
            fix="take a new key for a new report",
        )
    return standing, is_new


def get_user_report(tx: sa.Connection, user_id: UUID, report_id: UUID) -> StoredReport:
    """A report of this very user; NotFoundError for any other, whether it exists or not."""
    c = user_reports.c
    row = tx.execute(sa.select(user_reports).where(c.report_id == report_id, c.user_id == user_id)).one_or_none()
    if row is None:
        raise NotFoundError("no such report", where="report_id", fix="take the id that reports/generate answered")
    return _stored(row)


def unfinished_reports(tx: sa.Connection) -> list[UUID]:
    """Reports that wait, or whose making was cut off, oldest first."""
    c = user_reports.c
    waiting = sa.select(c.report_id).where(c.status.in_(("queued", "running")))
    return list(tx.execute(waiting.order_by(c.created_at, c.report_id)).scalars())


def start_report(tx: sa.Connection, report_id: UUID) -> StoredReport | None:
    """Take up a report: from now on it is running. None where it is finished. One whose making was cut off is running
    already and is taken up again: making it twice gives the same report, and only one is kept.
    """
    c = user_reports.c
    tx.execute(sa.update(user_reports).where(c.report_id == report_id, c.status == "queued").values(status="running"))
    row = tx.execute(sa.select(user_reports).where(c.report_id == report_id, c.status == "running")).one_or_none()
    return None if row is None else _stored(row)


def succeed_report(tx: sa.Connection, report_id: UUID, content: Mapping[str, Any], now: datetime) -> bool:
    """Keep what was made; False where the report was finished meanwhile."""
    return _finish(tx, report_id, {"status": "succeeded", "content": dict(content), "finished_at": now})


def fail_report(tx: sa.Connection, report_id: UUID, error: str, now: datetime) -> bool:
    """Say why nothing was made; False where the report was finished meanwhile."""
    return _finish(tx, report_id, {"status": "failed", "error": error, "finished_at": now})


def _require_patience(tx: sa.Connection, user_id: UUID, report_id: UUID) -> None:
    """Reports are made one after the other: whoever asks for hundreds would keep everybody waiting."""
    c = user_reports.c
    waiting = sa.select(c.report_id).where(c.user_id == user_id, c.status.in_(("queued", "running")))
    ids = set(tx.execute(waiting).scalars())
    if len(ids) >= MOST_WAITING and not _stands(tx, report_id):
        raise RefusalError(f"{len(ids)} reports wait already", where="reports", fix="wait until one of them is made")


def _stands(tx: sa.Connection, report_id: UUID) -> bool:
    return (
        tx.execute(sa.select(user_reports.c.report_id).where(user_reports.c.report_id == report_id)).first() is not None
    )


def _finish(tx: sa.Connection, report_id: UUID, values: Mapping[str, Any]) -> bool:
    c = user_reports.c
    running = sa.update(user_reports).where(c.report_id == report_id, c.status == "running")
    return tx.execute(running.values(**values)).rowcount == 1


def _stored(row: sa.Row[Any]) -> StoredReport:
    return StoredReport(**row._mapping)
