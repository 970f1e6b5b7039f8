"""Model versions: what is known of each, and which one serves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import NotFoundError, RefusalError
from pawl.ids import DatasetHash, ModelVersion
from pawl.ledger.identity import identity
from pawl.ledger.training_tables import eval_reports
from pawl.ledger.version_number import VersionNumber, keep_number
from pawl.ledger.version_tables import model_versions

__all__ = [
    "PATHS",
    "NewVersion",
    "StoredVersion",
    "champion",
    "get_version",
    "list_challengers",
    "list_versions",
    "record_version",
    "require_files",
    "set_stage_status",
]

PATHS = ("stage1_model_path", "stage2_model_path", "scaler_path", "features_path", "metadata_path")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """A trained version, before anything was decided about it.

    max_t1, dataset_hash: as in its certificate. artifact: id of its set of files. train_job_id: None only for a version
    that was trained elsewhere. model_type: full, or incremental with its parent. paths: where files of it lie, below
    the workspace, by the name of their column.
    """

    version: ModelVersion
    trained_at: datetime
    max_t1: datetime
    dataset_hash: DatasetHash
    artifact: str
    tickers: tuple[str, ...]
    certificate: Mapping[str, Any]
    metrics: Mapping[str, float | None]
    baselines: Mapping[str, Mapping[str, float | None]]
    train_job_id: UUID | None = None
    role: str = "policy"
    model_type: str = "full"
    parent: ModelVersion | None = None
    paths: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion(NewVersion):
    """A version as it stands. verdict: pass or fail of its newest report, None when it was never judged.

    files_removed_at: when its files were given up; None while it has them.
    """

    learner: str
    status: str
    is_active: bool
    deployed_at: datetime | None
    verdict: str | None
    eval_id: UUID | None
    files_removed_at: datetime | None


def record_version(tx: sa.Connection, new: NewVersion, now: datetime) -> None:
    """Write down a trained version as a challenger; RefusalError when its number has a version already."""
    number = VersionNumber.parse(new.version)
    c = model_versions.c
    if tx.execute(sa.select(c.version).where(c.version == number.version)).one_or_none() is not None:
        raise RefusalError(f"`{number}` is recorded already", where="model_versions", fix="claim a new number")
    keep_number(tx, number.base, now)
    tx.execute(
        sa.insert(model_versions).values(
            id=identity("version", number),
            version=number.version,
            name=number.version,
            model_type=new.model_type,
            parent_version=new.parent,
            trained_at=new.trained_at,
            training_log_id=new.train_job_id,
            created_at=now,
            updated_at=now,
            learner=number.learner,
            role=new.role,
            major=number.major,
            minor=number.minor,
            daily=number.daily,
            status="challenger",
            max_t1=new.max_t1,
            dataset_hash=new.dataset_hash,
            artifact=new.artifact,
            tickers=list(new.tickers),
            certificate=dict(new.certificate),
            metrics=dict(new.metrics),
            baselines={name: dict(figures) for name, figures in new.baselines.items()},
            **new.paths,
        )
    )


def get_version(tx: sa.Connection, version: str) -> StoredVersion:
    """A version as it stands; NotFoundError lists those that exist."""
    number = VersionNumber.parse(version)
    row = tx.execute(_with_verdict().where(model_versions.c.version == number.version)).one_or_none()
    if row is None:
        known = ", ".join(one.version for one in list_versions(tx)) or f"none yet: pawl train {number.learner}"
        raise NotFoundError(f"no version `{version}`", where="ledger", fix=f"known versions: {known}")
    return _stored(row)


def list_versions(tx: sa.Connection, learner: str | None = None) -> list[StoredVersion]:
    """Every recorded version, of one learner or of all; by learner, lowest number first."""
    c = model_versions.c
    chosen = _with_verdict().order_by(c.learner, c.major, c.minor, c.daily)
    if learner is not None:
        chosen = chosen.where(c.learner == learner)
    return [_stored(row) for row in tx.execute(chosen)]


def list_challengers(tx: sa.Connection, verdict: str | None) -> list[StoredVersion]:
    """Challengers trained here whose newest verdict is this one (pass, fail), or that were never judged (None)."""
    c, result = model_versions.c, eval_reports.c.gate_result
    found = result.is_(None) if verdict is None else result == verdict
    waiting = _with_verdict().where(c.status == "challenger", c.training_log_id.is_not(None), found)
    return [_stored(row) for row in tx.execute(waiting.order_by(c.learner, c.major, c.minor, c.daily))]


def require_files(version: str, removed_at: datetime | None) -> None:
    """RefusalError for a version whose files were given up."""
    if removed_at is not None:
        raise RefusalError(
            f"the files of `{version}` were given up on {removed_at:%Y-%m-%d}: an old daily version",
            where="model_versions",
            fix="choose a kept version (pawl versions), or train a new one",
        )


def champion(tx: sa.Connection, learner: str, role: str = "policy") -> ModelVersion | None:
    """The version that serves; None where none does."""
    c = model_versions.c
    serving = sa.select(c.version).where(c.learner == learner, c.role == role, c.is_active)
    version = tx.execute(serving).scalar_one_or_none()
    return None if version is None else ModelVersion(version)


def set_stage_status(tx: sa.Connection, version: ModelVersion, status: str, now: datetime) -> None:
    """Say where in a rollout a version stands: shadow or canary; challenger or refused once it is out of it.

    The status of a version that serves, or has served, is the deployment log's.
    """
    c = model_versions.c
    never_served = c.status.in_(("challenger", "shadow", "canary", "refused"))
    changed = sa.update(model_versions).where(c.version == version, never_served, c.status != status)
    tx.execute(changed.values(status=status, updated_at=now))


def _with_verdict() -> sa.Select[Any]:
    newest = (
        sa.select(eval_reports.c.model_version, sa.func.max(eval_reports.c.report_number).label("report_number"))
        .group_by(eval_reports.c.model_version)
        .subquery()
    )
    joined = model_versions.outerjoin(newest, newest.c.model_version == model_versions.c.version).outerjoin(
        eval_reports,
        sa.and_(
            eval_reports.c.model_version == newest.c.model_version,
            eval_reports.c.report_number == newest.c.report_number,
        ),
    )
    return sa.select(model_versions, eval_reports.c.gate_result, eval_reports.c.eval_id).select_from(joined)


def _stored(row: sa.Row[Any]) -> StoredVersion:
    return StoredVersion(
        version=ModelVersion(row.version),
        trained_at=row.trained_at,
        max_t1=row.max_t1,
        dataset_hash=DatasetHash(row.dataset_hash),
        artifact=row.artifact,
        tickers=tuple(row.tickers),
        certificate=row.certificate,
        metrics=row.metrics,
        baselines=row.baselines,
        train_job_id=row.training_log_id,
        role=row.role,
        model_type=row.model_type,
        parent=None if row.parent_version is None else ModelVersion(row.parent_version),
        paths={name: row._mapping[name] for name in PATHS if row._mapping[name] is not None},
        learner=row.learner,
        status=row.status,
        is_active=row.is_active,
        deployed_at=row.deployed_at,
        verdict=row.gate_result,
        eval_id=row.eval_id,
        files_removed_at=row.files_removed_at,
    )
