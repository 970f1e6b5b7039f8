"""Training jobs. Their states move one way: queued → running → succeeded | failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import NotFoundError, RefusalError
from pawl.ids import ModelVersion
from pawl.ledger.identity import identity
from pawl.ledger.loop_outbox import announce
from pawl.ledger.loop_payloads import TrainingCompleted
from pawl.ledger.training_tables import train_jobs
from pawl.ledger.version_number import VersionNumber

__all__ = [
    "STANDING",
    "STOPPED",
    "NewJob",
    "QueuedJob",
    "TrainingFigures",
    "count_jobs",
    "enqueue_job",
    "fail_cut_off",
    "fail_job",
    "job_of_run",
    "job_status",
    "start_job",
    "succeed_job",
]

STOPPED = "stopped before it ended"
"""The error of a training that was told to end: its job has failed, and nothing was wrong with it."""

STANDING = sa.case(
    ((train_jobs.c.status == "failed") & (train_jobs.c.error_message == STOPPED), "stopped"), else_=train_jobs.c.status
)
"""The status of a job for people: `stopped` where it was told to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A training to be run. base_model: the version it starts from, or `scratch`."""

    version: ModelVersion
    dataset_version_ids: Sequence[UUID]
    hyperparams: Mapping[str, Any]
    base_model: str = "scratch"
    role: str = "policy"
    train_type: str = "retrain"
    training_type: str = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedJob:
    """A job of a run, and how it stands."""

    job_id: UUID
    version: ModelVersion
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingFigures:
    """What a finished training says of itself: columns of `model_training_log`, by name, and its artifacts.

    report: figures that are told to whoever listens; None where nothing could be measured.
    """

    artifacts: Mapping[str, Any]
    columns: Mapping[str, float | int | str | datetime | None] = field(default_factory=dict)
    report: Mapping[str, float | None] = field(default_factory=dict)


def enqueue_job(tx: sa.Connection, new: NewJob, now: datetime) -> UUID:
    """Queue a training. Another attempt after a failed one is a new job; beside an unfailed one it is refused."""
    c = train_jobs.c
    states = list(tx.execute(sa.select(c.status).where(c.target_model_version == new.version)).scalars())
    if any(state != "failed" for state in states):
        raise RefusalError(
            f"`{new.version}` has a training job that is {states[-1]}", where="ml_train_jobs", fix="claim a new number"
        )
    job_id = identity("train_job", new.version, len(states) + 1)
    tx.execute(
        sa.insert(train_jobs).values(
            train_job_id=job_id,
            train_type=new.train_type,
            model_role=new.role,
            base_model=new.base_model,
            target_model_version=new.version,
            dataset_version_ids=list(new.dataset_version_ids),
            hyperparams=dict(new.hyperparams),
            status="queued",
            learner=VersionNumber.parse(new.version).learner,
            training_type=new.training_type,
            created_at=now,
            updated_at=now,
        )
    )
    return job_id


def start_job(
    tx: sa.Connection, job_id: UUID, now: datetime, dataset_version_ids: Sequence[UUID] | None = None
) -> None:
    """queued → running; RefusalError when another worker was faster.

    dataset_version_ids: what it reads, where that was not known when it was queued.
    """
    read = {} if dataset_version_ids is None else {"dataset_version_ids": list(dataset_version_ids)}
    _move(tx, job_id, "queued", {"status": "running", "started_at": now, "updated_at": now, **read})


def succeed_job(tx: sa.Connection, job_id: UUID, figures: TrainingFigures, now: datetime) -> None:
    """running → succeeded; whoever listens is told once this is committed."""
    done = {"status": "succeeded", "finished_at": now, "updated_at": now, "artifacts": dict(figures.artifacts)}
    _move(tx, job_id, "running", {**figures.columns, **done})
    _tell(tx, job_id, now, figures.report)


def fail_job(tx: sa.Connection, job_id: UUID, error_message: str, now: datetime) -> None:
    """running → failed, for good; whoever listens is told once this is committed."""
    failed = {"status": "failed", "finished_at": now, "updated_at": now, "error_message": error_message}
    _move(tx, job_id, "running", failed)
    _tell(tx, job_id, now, {})


def fail_cut_off(tx: sa.Connection, version: ModelVersion, now: datetime) -> None:
    """running → failed, for the jobs of a version whose process died; the caller knows that none of them runs."""
    c = train_jobs.c
    running = sa.select(c.train_job_id).where(c.target_model_version == version, c.status == "running")
    for job_id in tx.execute(running).scalars().all():
        fail_job(tx, job_id, "cut off before it ended", now)


def job_of_run(tx: sa.Connection, learner: str, run: str) -> QueuedJob | None:
    """The newest job of a run of a schedule, which stands as `run` in its hyper-parameters; None before the first."""
    c = train_jobs.c
    newest_first = (
        sa.select(c.train_job_id, c.target_model_version, c.status, c.hyperparams)
        .where(c.learner == learner)
        .order_by(c.created_at.desc(), c.target_model_version.desc())
    )
    found = [row for row in tx.execute(newest_first) if row.hyperparams.get("run") == run]
    if not found:
        return None
    # Attempts may share an instant; their ids tell which is the last.
    last = identity("train_job", found[0].target_model_version, len(found))
    row = next(one for one in found if one.train_job_id == last)
    return QueuedJob(job_id=last, version=ModelVersion(row.target_model_version), status=row.status)


def count_jobs(tx: sa.Connection) -> dict[str, int]:
    """State, `stopped` among them → how many jobs are in it."""
    standing = STANDING.label("standing")
    counted = sa.select(standing, sa.func.count()).group_by(standing)
    return {row[0]: row[1] for row in tx.execute(counted)}


def job_status(tx: sa.Connection, job_id: UUID) -> str:
    """The state of a job; NotFoundError when there is none."""
    found = sa.select(train_jobs.c.status).where(train_jobs.c.train_job_id == job_id)
    status: str | None = tx.execute(found).scalar_one_or_none()
    if status is None:
        raise NotFoundError(f"no training job {job_id}", where="ml_train_jobs", fix="hand in the id of a queued job")
    return status


def _tell(tx: sa.Connection, job_id: UUID, now: datetime, figures: Mapping[str, float | None]) -> None:
    c = train_jobs.c
    columns = (c.learner, c.target_model_version, c.training_type, c.status, c.error_message)
    row = tx.execute(sa.select(*columns).where(c.train_job_id == job_id)).one()
    completed = TrainingCompleted(
        train_job_id=job_id,
        learner=row.learner,
        model_version=row.target_model_version,
        training_type=row.training_type or "full",
        status=row.status,
        error=row.error_message,
        figures=dict(figures),
    )
    announce(tx, completed, now)


def _move(tx: sa.Connection, job_id: UUID, expected: str, values: Mapping[str, Any]) -> None:
    # Compare-and-set: of two workers that read `queued`, one finds a row to change.
    moved = (
        sa.update(train_jobs)
        .where(train_jobs.c.train_job_id == job_id, train_jobs.c.status == expected)
        .values(**values)
    )
    if tx.execute(moved).rowcount != 1:
        raise RefusalError(
            f"training job {job_id} is {job_status(tx, job_id)}, so it cannot become {values['status']}",
            where="ml_train_jobs",
            fix="jobs go queued → running → succeeded or failed; another attempt is a new job",
        )
