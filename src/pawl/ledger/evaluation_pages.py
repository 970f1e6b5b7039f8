"""Evaluation reports a page at a time, each with what changed against the version before it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.ledger.learning_record import MetricChange, metric_changes
from pawl.ledger.training_tables import eval_reports
from pawl.ledger.version_number import VersionNumber

__all__ = ["EvaluationFilter", "EvaluationRow", "PrecedingChange", "evaluations_page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationFilter:
    """Which reports; None: any. before: time and id of the last one that was seen."""

    learner: str | None = None
    model_version: str | None = None
    scope: str | None = None
    gate_result: str | None = None
    role: str | None = None
    before: tuple[datetime, UUID] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecedingChange:
    """One metric beside that of the preceding version. Each was measured on its own rows: the market may differ too."""

    metric: str
    before: float | None
    after: float | None
    change: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRow:
    """One report. metrics: beside the version that served then, on the same rows (baseline_version; None: none served).

    preceding_version: the highest number of the learner and role below this one that was judged in the same scope;
    changes: against its newest report there.
    """

    eval_id: UUID
    model_version: str
    learner: str
    role: str
    scope: str
    gate_result: str
    baseline_version: str | None
    report_number: int
    created_at: datetime
    metrics: tuple[MetricChange, ...]
    preceding_version: str | None
    changes: tuple[PrecedingChange, ...]


def evaluations_page(tx: sa.Connection, chosen: EvaluationFilter, limit: int | None) -> list[EvaluationRow]:
    """At most `limit` reports, newest first; None: all of them."""
    c = eval_reports.c
    wanted = sa.select(eval_reports).order_by(c.created_at.desc(), c.eval_id.desc()).limit(limit)
    equal = {
        c.learner: chosen.learner,
        c.model_version: chosen.model_version,
        c.eval_scope: chosen.scope,
        c.gate_result: chosen.gate_result,
        c.model_role: chosen.role,
    }
    wanted = wanted.where(*(column == value for column, value in equal.items() if value is not None))
    if chosen.before is not None:
        at, last = chosen.before
        wanted = wanted.where((c.created_at < at) | ((c.created_at == at) & (c.eval_id < last)))
    rows = tx.execute(wanted).all()
    before = _preceding(tx, rows)
    stored = _verdicts(tx, before.values())
    return [_evaluation(row, before.get(row.eval_id), stored) for row in rows]


@dataclass(frozen=True, slots=True)
class _Earlier:
    eval_id: UUID
    version: str


def _preceding(tx: sa.Connection, rows: Sequence[sa.Row[Any]]) -> dict[UUID, _Earlier]:
    """Report → the newest report of the preceding version in the same scope."""
    c = eval_reports.c
    learners = sorted({row.learner for row in rows})
    columns = (c.eval_id, c.model_version, c.learner, c.model_role, c.eval_scope)
    of_learners = sa.select(*columns).where(c.learner.in_(learners)).order_by(c.report_number)
    newest: dict[tuple[str, str, str], dict[VersionNumber, UUID]] = {}
    for one in tx.execute(of_learners):
        series = newest.setdefault((one.learner, one.model_role, one.eval_scope), {})
        series[VersionNumber.parse(one.model_version)] = one.eval_id
    found: dict[UUID, _Earlier] = {}
    for row in rows:
        number = VersionNumber.parse(row.model_version)
        lower = [one for one in newest[row.learner, row.model_role, row.eval_scope] if one < number]
        if lower:
            series = newest[row.learner, row.model_role, row.eval_scope]
            found[row.eval_id] = _Earlier(series[max(lower)], max(lower).version)
    return found


def _verdicts(tx: sa.Connection, earlier: Iterable[_Earlier]) -> dict[UUID, Mapping[str, Any]]:
    c = eval_reports.c
    ids = {one.eval_id for one in earlier}
    return {row.eval_id: row.metrics for row in tx.execute(sa.select(c.eval_id, c.metrics).where(c.eval_id.in_(ids)))}


def _evaluation(row: sa.Row[Any], earlier: _Earlier | None, stored: Mapping[UUID, Mapping[str, Any]]) -> EvaluationRow:
    metrics = metric_changes(row.metrics["verdict"])
    return EvaluationRow(
        eval_id=row.eval_id,
        model_version=row.model_version,
        learner=row.learner,
        role=row.model_role,
        scope=row.eval_scope,
        gate_result=row.gate_result,
        baseline_version=row.baseline_version,
        report_number=row.report_number,
        created_at=row.created_at,
        metrics=metrics,
        preceding_version=None if earlier is None else earlier.version,
        changes=() if earlier is None else _changes(metrics, metric_changes(stored[earlier.eval_id]["verdict"])),
    )


def _changes(metrics: Sequence[MetricChange], earlier: Sequence[MetricChange]) -> tuple[PrecedingChange, ...]:
    before = {one.metric: one.after for one in earlier}
    return tuple(_change(one.metric, before[one.metric], one.after) for one in metrics if one.metric in before)


def _change(metric: str, before: float | None, after: float | None) -> PrecedingChange:
    change = None if before is None or after is None else after - before
    return PrecedingChange(metric=metric, before=before, after=after, change=change)
