"""Trainings that failed: what is told of them, and how often one cause was tried."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from pawl.ledger.training_tables import train_jobs

__all__ = ["FailedTraining", "failed_trainings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedTraining:
    """A job that failed. version: the one it was to give. cause: what asked for it, where its job says."""

    job_id: UUID
    version: str
    finished_at: datetime
    error: str
    cause: str | None


def failed_trainings(tx: sa.Connection, learner: str, since: datetime, until: datetime) -> list[FailedTraining]:
    """Those of a learner that ended in (since, until], oldest first."""
    c = train_jobs.c
    ended = (c.status == "failed") & (c.finished_at > since) & (c.finished_at <= until)
    chosen = sa.select(c.train_job_id, c.target_model_version, c.finished_at, c.error_message, c.hyperparams)
    rows = tx.execute(chosen.where(c.learner == learner, ended).order_by(c.finished_at, c.train_job_id))
    return [
        FailedTraining(
            job_id=row[0], version=row[1], finished_at=row[2], error=row[3] or "no reason", cause=row[4].get("cause")
        )
        for row in rows
    ]
