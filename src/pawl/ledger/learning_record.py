"""What was learnt, as Passport shows it: versions that serve, what each improved, trainings, dataset versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.gates.condition import Condition, Direction
from pawl.gates.figure import Figure, Measured
from pawl.gates.verdict import Row, Verdict
from pawl.gates.verdict_json import verdict_from_json
from pawl.ids import ModelVersion
from pawl.ledger.column_types import UtcTime
from pawl.ledger.evaluations import newest_report
from pawl.ledger.service_tables import schedule_runs
from pawl.ledger.training_tables import dataset_versions, train_jobs
from pawl.ledger.version_tables import model_versions

__all__ = [
    "USER_TYPES",
    "DatasetRow",
    "Improvement",
    "MetricChange",
    "Run",
    "ScheduledRun",
    "ServingVersion",
    "datasets_page",
    "datasets_since",
    "improvement_of",
    "metric_changes",
    "newest_runs",
    "open_runs",
    "scheduled_runs",
    "serving_versions",
    "trained_datasets",
]

USER_TYPES = ("pretrain", "sft", "orpo")
"""The types of datasets that are made of what users decided; the others come from the market alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingVersion:
    """A version that serves its (learner, role). deployed_at: since when."""

    learner: str
    role: str
    version: str
    deployed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChange:
    """One metric of a version beside that of another on the same rows. change: after less before. is_better: None where
    nothing was compared or nothing changed. outcome: of the gate.
    """

    metric: str
    unit: str
    before: float | None
    after: float | None
    n: int | None
    change: float | None
    is_better: bool | None
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Improvement:
    """What a serving version improved against the one that served when it was measured, by its newest report.

    preceding: None for the first version. improved: metrics that are better.
    """

    learner: str
    role: str
    version: str
    preceding: str | None
    eval_id: UUID
    scope: str
    measured_at: datetime
    gate_result: str
    improved: tuple[str, ...]
    metrics: tuple[MetricChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A training job. dataset_version_ids: what it read."""

    train_job_id: UUID
    learner: str
    role: str
    train_type: str
    version: str
    status: str
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledRun:
    """What runs by itself. last_due_at: the due time that was taken up last; next_due_at: the one after it, which lies
    in the past where nothing took it up; both None before the first.
    """

    schedule: str
    last_due_at: datetime | None
    next_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRow:
    """A dataset version as it stands."""

    dataset_version_id: UUID
    dataset_type: str
    learner: str
    window_start: datetime
    window_end: datetime
    sample_count: int
    quality_report: Mapping[str, Any]
    content_hash: str
    created_at: datetime


def serving_versions(tx: sa.Connection) -> tuple[ServingVersion, ...]:
    """Every version that serves, by learner and role."""
    c = model_versions.c
    chosen = sa.select(c.learner, c.role, c.version, c.deployed_at).where(c.is_active).order_by(c.learner, c.role)
    return tuple(ServingVersion(**row) for row in tx.execute(chosen).mappings())


def improvement_of(tx: sa.Connection, serving: ServingVersion) -> Improvement | None:
    """What the newest report of a serving version says it improved; None for a version that was never judged."""
    report = newest_report(tx, ModelVersion(serving.version))
    if report is None:
        return None
    changes = metric_changes(report.verdict)
    return Improvement(
        learner=serving.learner,
        role=serving.role,
        version=serving.version,
        preceding=report.baseline,
        eval_id=report.eval_id,
        scope=report.scope,
        measured_at=report.created_at,
        gate_result="pass" if report.verdict.passed else "fail",
        improved=tuple(one.metric for one in changes if one.is_better),
        metrics=changes,
    )


def metric_changes(verdict: Verdict | Mapping[str, Any]) -> tuple[MetricChange, ...]:
    """The rows of a verdict, or of one as it is stored, as figures side by side."""
    read = verdict if isinstance(verdict, Verdict) else verdict_from_json(verdict)
    return tuple(_metric_change(row) for row in read.rows)


def newest_runs(tx: sa.Connection) -> tuple[Run, ...]:
    """The training that finished last for each learner, role and type of training."""
    c = train_jobs.c
    finished = sa.select(
        c.train_job_id,
        sa.func.row_number()
        .over(partition_by=(c.learner, c.model_role, c.train_type), order_by=(c.finished_at.desc(), c.train_job_id))
        .label("rank"),
    ).where(c.finished_at.is_not(None))
    ranked = finished.subquery()
    newest = sa.select(ranked.c.train_job_id).where(ranked.c.rank == 1)
    return _runs(tx, c.train_job_id.in_(newest))


def open_runs(tx: sa.Connection) -> tuple[Run, ...]:
    """The trainings that wait or run."""
    return _runs(tx, train_jobs.c.status.in_(("queued", "running")))


def scheduled_runs(tx: sa.Connection, schedules: Mapping[str, timedelta]) -> tuple[ScheduledRun, ...]:
    """When each schedule was due and will be. schedules: name, as `schedule_runs` has it → how often."""
    c = schedule_runs.c
    newest = sa.select(c.schedule, sa.func.max(c.due_at, type_=UtcTime())).group_by(c.schedule)
    taken: dict[str, datetime] = {name: due_at for name, due_at in tx.execute(newest)}
    return tuple(
        ScheduledRun(
            schedule=name,
            last_due_at=taken.get(name),
            next_due_at=taken[name] + every if name in taken else None,
        )
        for name, every in sorted(schedules.items())
    )


def datasets_since(tx: sa.Connection, since: datetime, now: datetime) -> list[DatasetRow]:
    """Dataset versions of what users decided that were cut from `since` to `now`, newest first."""
    c = dataset_versions.c
    return _datasets(tx, c.created_at.between(since, now) & c.dataset_type.in_(USER_TYPES), None)


def datasets_page(
    tx: sa.Connection, dataset_type: str | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[DatasetRow]:
    """At most `limit` dataset versions, newest first. before: time and id of the last one that was seen."""
    c = dataset_versions.c
    chosen = sa.true() if dataset_type is None else c.dataset_type == dataset_type
    if before is not None:
        at, last = before
        chosen = chosen & ((c.created_at < at) | ((c.created_at == at) & (c.dataset_version_id < last)))
    return _datasets(tx, chosen, limit)


def trained_datasets(tx: sa.Connection, since: datetime) -> frozenset[UUID]:
    """The dataset versions that a training queued from `since` on reads or has read; failed ones do not count."""
    c = train_jobs.c
    jobs = sa.select(c.dataset_version_ids).where(c.created_at >= since, c.status != "failed")
    return frozenset(one for ids in tx.execute(jobs).scalars() for one in ids)


def _metric_change(row: Row) -> MetricChange:
    before, after = _value(row.champion), _value(row.challenger)
    change = None if before is None or after is None else after - before
    is_better = None
    if change and isinstance(row.requirement, Condition):
        is_better = (change > 0) == (row.requirement.direction is Direction.HIGHER)
    return MetricChange(
        metric=row.metric,
        unit=row.requirement.unit.value,
        before=before,
        after=after,
        n=row.challenger.n if isinstance(row.challenger, Figure) else None,
        change=change,
        is_better=is_better,
        outcome=row.outcome.value,
    )


def _value(measured: Measured | None) -> float | None:
    is_known = isinstance(measured, Figure) and abs(measured.value) < float("inf")
    return measured.value if is_known and isinstance(measured, Figure) else None


def _runs(tx: sa.Connection, condition: sa.ColumnElement[bool]) -> tuple[Run, ...]:
    c = train_jobs.c
    columns = (
        c.train_job_id, c.learner, c.model_role.label("role"), c.train_type, c.target_model_version.label("version"),
        c.status, c.created_at.label("queued_at"), c.started_at, c.finished_at,
    )  # fmt: skip
    chosen = sa.select(*columns).where(condition).order_by(c.created_at.desc(), c.train_job_id)
    return tuple(Run(**row) for row in tx.execute(chosen).mappings())


def _datasets(tx: sa.Connection, condition: sa.ColumnElement[bool], limit: int | None) -> list[DatasetRow]:
    c = dataset_versions.c
    columns = [c[name] for name in DatasetRow.__dataclass_fields__]
    chosen = sa.select(*columns).where(condition).order_by(c.created_at.desc(), c.dataset_version_id.desc())
    return [DatasetRow(**row) for row in tx.execute(chosen.limit(limit)).mappings()]
