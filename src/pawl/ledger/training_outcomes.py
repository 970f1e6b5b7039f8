"""What became of trainings: those that failed, with their causes, and those that gave a version."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import NotFoundError
from pawl.ids import ModelVersion
from pawl.ledger.train_jobs import STOPPED
from pawl.ledger.training_tables import train_jobs

__all__ = ["EndedTraining", "FailedTraining", "ended_training", "failed_trainings", "succeeded_job"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedTraining:
    """A job that has ended. version: the one it was to give."""

    version: ModelVersion
    status: str
    finished_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedTraining:
    """A job that failed. version: the one it was to give. cause: what asked for it, where its job says."""

    job_id: UUID
    version: str
    finished_at: datetime
    error: str
    cause: str | None


def failed_trainings(tx: sa.Connection, learner: str, since: datetime, until: datetime) -> list[FailedTraining]:
    """Those of a learner that ended in (since, until], oldest first. One that was told to end is none of them."""
    c = train_jobs.c
    ended = (c.status == "failed") & (c.finished_at > since) & (c.finished_at <= until)
    ended &= c.error_message.is_distinct_from(STOPPED)
    chosen = sa.select(c.train_job_id, c.target_model_version, c.finished_at, c.error_message, c.hyperparams)
    rows = tx.execute(chosen.where(c.learner == learner, ended).order_by(c.finished_at, c.train_job_id))
    return [
        FailedTraining(
            job_id=row[0], version=row[1], finished_at=row[2], error=row[3] or "no reason", cause=row[4].get("cause")
        )
        for row in rows
    ]


def succeeded_job(tx: sa.Connection, version: str) -> UUID:
    """The job that gave a version; NotFoundError where none did."""
    c = train_jobs.c
    chosen = sa.select(c.train_job_id).where(c.target_model_version == version, c.status == "succeeded")
    found: UUID | None = tx.execute(chosen).scalar_one_or_none()
    if found is None:
        raise NotFoundError(f"no training gave `{version}`", where="ml_train_jobs", fix="see pawl versions")
    return found


def ended_training(tx: sa.Connection, job_id: UUID) -> EndedTraining | None:
    """How a job ended; None while it has not."""
    c = train_jobs.c
    row = tx.execute(sa.select(c.target_model_version, c.status, c.finished_at).where(c.train_job_id == job_id)).one()
    return None if row[2] is None else EndedTraining(version=ModelVersion(row[0]), status=row[1], finished_at=row[2])
