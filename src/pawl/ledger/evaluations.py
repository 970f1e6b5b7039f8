"""Evaluation reports: each holds a verdict in full, and none is ever changed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import InputError, NotFoundError, RefusalError
from pawl.gates.verdict import Verdict
from pawl.gates.verdict_json import verdict_from_json, verdict_to_json
from pawl.ids import ModelVersion
from pawl.ledger.chain import append_chained
from pawl.ledger.identity import identity
from pawl.ledger.model_versions import get_version
from pawl.ledger.training_tables import eval_reports, train_jobs
from pawl.ledger.version_number import VersionNumber, count_numbers
from pawl.ledger.version_tables import model_versions

__all__ = [
    "EvaluationReport",
    "NewEvaluation",
    "count_trials",
    "get_report",
    "list_reports",
    "newest_report",
    "record_evaluation",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvaluation:
    """What was measured of a version against the champion of that moment (None: nothing served), and the verdict.

    figures: other measured figures worth keeping; what is not finite is stored as null.
    """

    version: ModelVersion
    baseline: ModelVersion | None
    verdict: Verdict
    figures: Mapping[str, float | None]
    scope: str = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationReport(NewEvaluation):
    """A stored report. number: 1 for the first of its version."""

    eval_id: UUID
    number: int
    created_at: datetime


def record_evaluation(
    tx: sa.Connection, new: NewEvaluation, now: datetime, only_as: int | None = None
) -> EvaluationReport:
    """Store a report. A version that does not serve becomes a challenger by a pass, and refused by a fail.

    only_as: the number that the report must get, for whoever judges once; None takes the next. RefusalError where that
    number is taken, and for a version without a training job, for nothing would lead from its report to its data.
    """
    stored = get_version(tx, new.version)
    if stored.train_job_id is None:
        raise RefusalError(
            f"`{new.version}` has no training job on record", where="model_versions", fix="train it here to judge it"
        )
    if new.verdict.is_first is not (new.baseline is None):
        raise InputError(
            f"the verdict on `{new.version}` and its baseline `{new.baseline}` do not belong together",
            where="ml_eval_reports",
            fix="judge_first is for the version before any champion, judge for every other",
        )
    number = len(list_reports(tx, new.version)) + 1
    if only_as not in (None, number):
        raise RefusalError(
            f"`{new.version}` has report {number - 1} already", where="ml_eval_reports", fix="nothing: one is enough"
        )
    report = EvaluationReport(
        version=stored.version,
        baseline=new.baseline,
        verdict=new.verdict,
        figures=new.figures,
        scope=new.scope,
        eval_id=identity("evaluation", stored.version, number),
        number=number,
        created_at=now,
    )
    row = {
        "eval_id": report.eval_id,
        "train_job_id": stored.train_job_id,
        "model_version": report.version,
        "eval_scope": report.scope,
        "metrics": {"figures": _finite(report.figures), "verdict": verdict_to_json(report.verdict)},
        "gate_result": "pass" if report.verdict.passed else "fail",
        "created_at": now,
        "learner": stored.learner,
        "model_role": stored.role,
        "baseline_version": report.baseline,
        "report_number": number,
    }
    append_chained(tx, eval_reports, [row])
    _mark(tx, report, now)
    return report


def get_report(tx: sa.Connection, eval_id: UUID) -> EvaluationReport:
    """A report by its id; NotFoundError when there is none."""
    row = tx.execute(sa.select(eval_reports).where(eval_reports.c.eval_id == eval_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"no evaluation {eval_id}", where="ml_eval_reports", fix="list them: pawl versions")
    return _report(row)


def newest_report(tx: sa.Connection, version: ModelVersion) -> EvaluationReport | None:
    """The report that decides about a version; None when it was never judged."""
    reports = list_reports(tx, version)
    return reports[-1] if reports else None


def list_reports(tx: sa.Connection, version: ModelVersion) -> list[EvaluationReport]:
    """Every report of a version, oldest first."""
    chosen = sa.select(eval_reports).where(eval_reports.c.model_version == version)
    return [_report(row) for row in tx.execute(chosen.order_by(eval_reports.c.report_number))]


def count_trials(tx: sa.Connection, version: ModelVersion) -> int:
    """How many trials a look at this version stands against, itself counted: every number of its learner ever trained,
    and every offline look after the first at any of its versions. Looks of a rollout choose nothing offline.

    A number whose training is under way shows nothing yet. It counts when that takes effect, which is on record; when
    it was taken is not.
    """
    learner = VersionNumber.parse(version).learner
    c = eval_reports.c
    repeated = sa.select(sa.func.count()).where(c.learner == learner, c.report_number > 1, c.eval_scope == "offline")
    again = 1 if newest_report(tx, version) is not None else 0
    n_trained = count_numbers(tx, learner) - _n_under_way(tx, learner)
    return n_trained + tx.execute(repeated).scalar_one() + again


def _n_under_way(tx: sa.Connection, learner: str) -> int:
    j = train_jobs.c
    open_ones = j.status.in_(("queued", "running"))
    found = sa.select(j.target_model_version).where(j.learner == learner, open_ones).distinct()
    return sum(not VersionNumber.parse(version).daily for version in tx.execute(found).scalars())


def _mark(tx: sa.Connection, report: EvaluationReport, now: datetime) -> None:
    status = "challenger" if report.verdict.passed else "refused"
    waiting = model_versions.c.status.in_(("challenger", "refused"))
    tx.execute(
        sa.update(model_versions)
        .where(model_versions.c.version == report.version, waiting)
        .values(status=status, updated_at=now)
    )


def _report(row: sa.Row[Any]) -> EvaluationReport:
    return EvaluationReport(
        version=ModelVersion(row.model_version),
        baseline=None if row.baseline_version is None else ModelVersion(row.baseline_version),
        verdict=verdict_from_json(row.metrics["verdict"]),
        figures=row.metrics["figures"],
        scope=row.eval_scope,
        eval_id=row.eval_id,
        number=row.report_number,
        created_at=row.created_at,
    )


def _finite(figures: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: value if value is not None and math.isfinite(value) else None for name, value in figures.items()}
