"""What models answered, and what was decided on it: written in bulk, and written again without a second row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import NotFoundError
from pawl.ids import ModelVersion
from pawl.ledger.chain import CHAINS, append_chained, lock_head, month_of
from pawl.ledger.column_types import JsonText
from pawl.ledger.decision_tables import decision_trajectories, inference_logs
from pawl.ledger.identity import SYSTEM_USER
from pawl.ledger.model_versions import get_version
from pawl.ledger.training_tables import train_jobs

__all__ = ["Inference", "Lineage", "Trajectory", "append_inferences", "append_trajectories", "trace"]

KEYS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """One answer of one model. prompt_payload: what it was asked; response_payload: what it said; both redacted, as
    maps or as their canonical text.

    inference_id: chosen by the caller, the same when the same inference is tried again.
    """

    inference_id: UUID
    trace_id: str
    model_version: ModelVersion
    learner: str
    prompt_hash: str
    prompt_payload: Mapping[str, Any] | JsonText
    response_payload: Mapping[str, Any] | JsonText
    created_at: datetime
    latency_ms: int = 0
    model_name: str = ""
    model_role: str = "policy"
    user_id: UUID = SYSTEM_USER


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """Context, decision and (once known) outcome. source_event_id: of the decision event; one trajectory each."""

    trajectory_id: UUID
    trace_id: str
    source_event_id: UUID
    inference_id: UUID | None
    learner: str
    context_features: Mapping[str, Any]
    decision_features: Mapping[str, Any]
    created_at: datetime
    outcome_features: Mapping[str, Any] | None = None
    utility_score: float | None = None
    label_quality: str = "pending"
    user_id: UUID = SYSTEM_USER


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """What a decision leads back to; None where nothing was recorded."""

    trace_id: str
    inference_id: UUID
    source_event_id: UUID | None
    trajectory_id: UUID | None
    dataset_version_ids: tuple[UUID, ...]
    train_job_id: UUID | None
    model_version: ModelVersion
    decision: Mapping[str, Any] | None


def append_inferences(tx: sa.Connection, rows: Sequence[Inference]) -> None:
    """Write inferences; one whose id stands already is the same, tried again.

    Several of one trace and role at one instant (the champion's and a shadow's) are set apart by microseconds.
    """
    _append_missing(tx, inference_logs, "inference_id", _set_apart(tx, rows))


def append_trajectories(tx: sa.Connection, rows: Sequence[Trajectory]) -> None:
    """Write trajectories; one whose source event has its trajectory already stays as it is."""
    _append_missing(tx, decision_trajectories, "source_event_id", rows)


def trace(tx: sa.Connection, trace_id: str) -> Lineage:
    """From a decision back to its data; NotFoundError for an unknown trace."""
    newest_first = inference_logs.c.created_at.desc()
    found = sa.select(inference_logs).where(inference_logs.c.trace_id == trace_id).order_by(newest_first).limit(1)
    inference = tx.execute(found).one_or_none()
    if inference is None:
        raise NotFoundError(f"no trace `{trace_id}`", where="ledger", fix="take the trace_id of a logged decision")
    of_trace = sa.select(decision_trajectories).where(decision_trajectories.c.inference_id == inference.inference_id)
    trajectory = tx.execute(of_trace.limit(1)).one_or_none()
    version = get_version(tx, inference.model_version)
    of_job = sa.select(train_jobs.c.dataset_version_ids).where(train_jobs.c.train_job_id == version.train_job_id)
    return Lineage(
        trace_id=trace_id,
        inference_id=inference.inference_id,
        source_event_id=None if trajectory is None else trajectory.source_event_id,
        trajectory_id=None if trajectory is None else trajectory.trajectory_id,
        dataset_version_ids=tuple(tx.execute(of_job).scalar_one_or_none() or ()),
        train_job_id=version.train_job_id,
        model_version=version.version,
        decision=None if trajectory is None else trajectory.decision_features,
    )


def _set_apart(tx: sa.Connection, rows: Sequence[Inference]) -> list[Inference]:
    # (trace_id, model_role, created_at) is unique, and `now` is one instant throughout a transaction.
    c = inference_logs.c
    standing = sa.select(c.trace_id, c.model_role, c.created_at)
    traces = sorted({row.trace_id for row in rows})
    taken: set[tuple[str, str, datetime]] = set()
    for first in range(0, len(traces), KEYS_AT_ONCE):
        of_traces = standing.where(c.trace_id.in_(traces[first : first + KEYS_AT_ONCE]))
        taken.update((row.trace_id, row.model_role, row.created_at) for row in tx.execute(of_traces))
    apart = []
    for row in rows:
        at = row.created_at
        while (row.trace_id, row.model_role, at) in taken:
            at += timedelta(microseconds=1)
        taken.add((row.trace_id, row.model_role, at))
        apart.append(replace(row, created_at=at))
    return apart


def _append_missing(tx: sa.Connection, table: sa.Table, key: str, rows: Sequence[Inference | Trajectory]) -> None:
    """Append the rows whose key does not stand there yet; of two with one key the first."""
    if not rows:
        return
    chain, names = CHAINS[table.name], [one.name for one in fields(rows[0])]
    # Whoever writes the same rows at this moment waits here, and then finds them standing.
    for month in sorted({month_of(getattr(row, chain.dated_by)) for row in rows}):
        lock_head(tx, table.name, month)
    wanted = {getattr(row, key): {name: getattr(row, name) for name in names} for row in reversed(rows)}
    keys: list[UUID] = list(wanted)
    standing: set[UUID] = set()
    for first in range(0, len(keys), KEYS_AT_ONCE):
        found = sa.select(table.c[key]).where(table.c[key].in_(keys[first : first + KEYS_AT_ONCE]))
        standing.update(tx.execute(found).scalars())
    missing = [values for name, values in reversed(wanted.items()) if name not in standing]
    if missing:
        append_chained(tx, table, missing)
