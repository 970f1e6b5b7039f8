"""The numbers that trainings used up before a learner had a version: its life, played again, begins behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from pawl.ids import ModelVersion
from pawl.ledger.model_versions import list_versions
from pawl.ledger.train_jobs import NewJob, enqueue_job, fail_job, start_job
from pawl.ledger.training_tables import train_jobs
from pawl.ledger.version_number import VersionNumber, keep_number

__all__ = ["UsedNumber", "use_up", "used_before_first"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedNumber:
    """A training that gave no version. error: why; None where it never ended, as when its process was killed."""

    version: ModelVersion
    at: datetime
    error: str | None


def used_before_first(tx: sa.Connection, learner: str) -> tuple[UsedNumber, ...]:
    """Those of a learner with a lower number than its first version, in their order."""
    first = min((VersionNumber.parse(one.version) for one in list_versions(tx, learner)), default=None)
    j = train_jobs.c
    chosen = sa.select(j.target_model_version, j.created_at, j.error_message).where(j.learner == learner)
    return tuple(
        UsedNumber(version=ModelVersion(version), at=at, error=error)
        for version, at, error in tx.execute(chosen.order_by(j.created_at, j.train_job_id))
        if first is not None and VersionNumber.parse(version) < first
    )


def use_up(tx: sa.Connection, used: Sequence[UsedNumber]) -> None:
    """Take these numbers, and write down what became of their trainings."""
    for one in used:
        keep_number(tx, VersionNumber.parse(one.version), one.at)
        job = enqueue_job(tx, NewJob(version=one.version, dataset_version_ids=[], hyperparams={}), one.at)
        start_job(tx, job, one.at)
        if one.error is not None:
            fail_job(tx, job, one.error, one.at)
