"""The job of a training that may be cut off anywhere and asked for again: one run, one version, whatever happens."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from pawl.ids import ModelVersion
from pawl.ledger.column_types import utc_text
from pawl.ledger.database import Ledger
from pawl.ledger.train_jobs import (
    NewJob,
    QueuedJob,
    enqueue_job,
    fail_cut_off,
    fail_job,
    job_of_run,
    job_status,
    start_job,
)

__all__ = ["fail_queued", "open_job", "run_name"]


def run_name(kind: str, learner: str, at: datetime) -> str:
    """The name of a run, the same whenever the same instant is asked for.

    >>> from datetime import UTC
    >>> run_name("full", "reversal", datetime(2025, 10, 19, 1, tzinfo=UTC))
    'full reversal@2025-10-19T01:00:00.000000Z'
    """
    return f"{kind} {learner}@{utc_text(at)}"


def open_job(
    tx: sa.Connection, learner: str, run: str, make: Callable[[ModelVersion | None], NewJob], at: datetime
) -> QueuedJob:
    """The job to work on: the one that has succeeded, or a new one, for the version that an earlier try was for.

    make: the job of a version; None where no try has one yet. The caller holds the training lock, so a job that is
    `running` has lost its process: it fails, and says why.
    """
    job = job_of_run(tx, learner, run)
    if job is not None and job.status == "succeeded":
        return job
    if job is not None and job.status == "queued":
        return job
    new = make(None if job is None else job.version)
    fail_cut_off(tx, new.version, at)
    return QueuedJob(job_id=enqueue_job(tx, new, at), version=new.version, status="queued")


def fail_queued(ledger: Ledger, job_id: UUID, error: str, at: datetime) -> None:
    """A job whose training could not even start fails as well; one that had started was failed by the registry."""
    with ledger.transaction() as tx:
        if job_status(tx, job_id) == "queued":
            start_job(tx, job_id, at)
            fail_job(tx, job_id, error, at)
