"""What the ledger holds of a learner's month, as the monthly report asks for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import sqlalchemy as sa

from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.column_types import UtcTime
from pawl.ledger.live_tables import live_log
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.signals import signal_frame
from pawl.ledger.train_jobs import STANDING
from pawl.ledger.training_tables import eval_reports, train_jobs
from pawl.ledger.version_tables import model_versions

__all__ = [
    "JobRow",
    "count_tests_decided",
    "ended_jobs",
    "first_signals",
    "instants_lived",
    "reasons_retired",
    "verdict_rows",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A training that ended. error: of a failed one."""

    finished_at: datetime
    version: str
    training_type: str
    status: str
    error: str | None


def ended_jobs(tx: sa.Connection, learner: str, since: datetime, until: datetime) -> list[JobRow]:
    """Trainings that ended after `since` and not after `until`, the oldest first."""
    c = train_jobs.c
    chosen = (
        sa.select(c.finished_at, c.target_model_version, c.training_type, STANDING, c.error_message)
        .where(c.learner == learner, c.finished_at > since, c.finished_at <= until)
        .order_by(c.finished_at, c.target_model_version, c.train_job_id)
    )
    return [
        JobRow(finished_at=at, version=version, training_type=kind or "full", status=status, error=error)
        for at, version, kind, status, error in tx.execute(chosen)
    ]


def instants_lived(tx: sa.Connection, learner: str, since: datetime, until: datetime) -> list[datetime]:
    """When the loop did something, after `since` and not after `until`: instants for which a cycle left an entry."""
    c = live_log.c
    of_loop = (c.learner == learner, c.kind.in_(("cycle", "training")), c.at > since, c.at <= until)
    return list(tx.execute(sa.select(c.at).where(*of_loop).distinct().order_by(c.at)).scalars())


def verdict_rows(tx: sa.Connection, learner: str, since: datetime, until: datetime) -> list[sa.Row[Any]]:
    """Verdicts of the same span: created_at, model_version, baseline_version, eval_scope, gate_result, metrics."""
    c = eval_reports.c
    chosen = (
        sa.select(c.created_at, c.model_version, c.baseline_version, c.eval_scope, c.gate_result, c.metrics)
        .where(c.learner == learner, c.created_at > since, c.created_at <= until)
        .order_by(c.created_at, c.model_version, c.report_number)
    )
    return list(tx.execute(chosen))


def count_tests_decided(tx: sa.Connection, learner: str, since: datetime, until: datetime) -> int:
    """A/B tests that ended with a winner, or a tie, in the same span."""
    c = ab_tests.c
    in_span = (c.learner == learner) & (c.status == "completed") & (c.end_date > since) & (c.end_date <= until)
    return tx.execute(sa.select(sa.func.count()).where(in_span)).scalar_one()


def reasons_retired(tx: sa.Connection, learner: str) -> dict[str, str]:
    """Version → why it was retired, of all that were."""
    c = model_versions.c
    chosen = sa.select(c.version, c.deprecated_reason).where(c.learner == learner, c.deprecated_at.is_not(None))
    return {version: reason or "" for version, reason in tx.execute(chosen)}


def first_signals(tx: sa.Connection, learner: str, days: int, before: datetime) -> pl.DataFrame | None:
    """Signals of the first days on record; None where these days have not passed before an instant."""
    c = trading_signals.c
    oldest = sa.select(sa.func.min(c.created_at, type_=UtcTime())).where(c.learner == learner)
    first = tx.execute(oldest).scalar_one()
    if first is None or first + timedelta(days=days) > before:
        return None
    return signal_frame(tx, learner, first - timedelta(microseconds=1), first + timedelta(days=days))
