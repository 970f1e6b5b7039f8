"""What a running loop is watched by in the ledger: trainings, versions, pending outcomes and runs, as plain rows."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from pawl.ledger.column_types import UtcTime
from pawl.ledger.live_log import is_of_kind
from pawl.ledger.live_tables import live_log
from pawl.ledger.service_tables import schedule_runs
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.training_tables import train_jobs

__all__ = [
    "EndedJob",
    "PendingOutcomes",
    "SkippedTrainings",
    "VersionResults",
    "newest_jobs",
    "newest_runs_of",
    "pending_outcomes",
    "skipped_trainings",
    "version_results",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedJob:
    """The newest training of a kind that ended. gap: validation loss less training loss; None where either is."""

    training_type: str
    version: str
    status: str
    finished_at: datetime
    train_loss: float | None
    val_loss: float | None
    train_accuracy: float | None
    val_accuracy: float | None
    error: str | None

    @property
    def gap(self) -> float | None:
        """How much worse the version does on rows that it has not seen."""
        return None if self.train_loss is None or self.val_loss is None else self.val_loss - self.train_loss


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionResults:
    """What became of the signals of one version. pnl_bps: the sum of the net results of its positions, bps of notional;
    mean_bps: a position. Both and win_rate are None where nothing is resolved.
    """

    version: str
    is_shadow: bool
    n_signals: int
    n_holds: int
    n_resolved: int
    n_wins: int
    n_losses: int
    pnl_bps: float | None

    @property
    def win_rate(self) -> float | None:
        """Wins of wins and losses."""
        n = self.n_wins + self.n_losses
        return self.n_wins / n if n else None

    @property
    def mean_bps(self) -> float | None:
        """A position's mean net result."""
        return None if self.pnl_bps is None else self.pnl_bps / self.n_resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingOutcomes:
    """Positions without an outcome, and when the oldest was taken."""

    n: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedTrainings:
    """Trainings that were due and left out: how many, and why the newest was."""

    n: int
    newest: str | None


def newest_jobs(tx: sa.Connection, learner: str, until: datetime) -> list[EndedJob]:
    """The newest ended training of each type."""
    c = train_jobs.c
    columns = (
        c.target_model_version, c.status, c.finished_at, c.train_loss, c.val_loss, c.train_accuracy, c.val_accuracy,
        c.error_message,
    )  # fmt: skip
    # The newest of each is picked by the database: whoever watches asks every few seconds, for years.
    kind = sa.func.coalesce(c.training_type, "full")
    newest_first = (c.finished_at.desc(), c.created_at.desc(), c.target_model_version.desc())
    place = sa.func.row_number().over(partition_by=kind, order_by=newest_first).label("place")
    ended = (
        sa.select(kind.label("kind"), *columns, place).where(c.learner == learner, c.finished_at <= until).subquery()
    )
    rows = tx.execute(sa.select(ended).where(ended.c.place == 1).order_by(ended.c.kind))
    return [
        EndedJob(
            training_type=row.kind,
            version=row.target_model_version,
            status=row.status,
            finished_at=row.finished_at,
            train_loss=row.train_loss,
            val_loss=row.val_loss,
            train_accuracy=row.train_accuracy,
            val_accuracy=row.val_accuracy,
            error=row.error_message,
        )
        for row in rows
    ]


def version_results(tx: sa.Connection, learner: str, since: datetime, until: datetime) -> list[VersionResults]:
    """Of the signals given in (since, until], by version: what had become of them by then."""
    c = trading_signals.c
    is_known = (c.resolved_at <= until) & (c.signal != "hold")

    def count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)

    chosen = (
        sa.select(
            c.model_version,
            c.is_shadow,
            sa.func.count(),
            count(c.signal == "hold"),
            count(is_known),
            count(is_known & (c.actual_outcome == "win")),
            count(is_known & (c.actual_outcome == "loss")),
            sa.func.sum(sa.case((is_known, 100.0 * c.actual_pnl_percent), else_=None)),
        )
        .where(c.learner == learner, c.created_at > since, c.created_at <= until)
        .group_by(c.model_version, c.is_shadow)
        .order_by(c.model_version, c.is_shadow)
    )
    return [
        VersionResults(
            version=row[0], is_shadow=row[1], n_signals=row[2], n_holds=int(row[3]), n_resolved=int(row[4]),
            n_wins=int(row[5]), n_losses=int(row[6]), pnl_bps=None if row[7] is None else float(row[7]),
        )
        for row in tx.execute(chosen)
    ]  # fmt: skip


def pending_outcomes(tx: sa.Connection, learner: str, until: datetime) -> PendingOutcomes:
    """Positions taken by `until`, of shadows too, that have no outcome."""
    c = trading_signals.c
    # Asked of the open ones alone: with the instant among the conditions SQLite walks over all that ever was said.
    at = sa.case((c.created_at <= until, c.created_at), else_=None)
    chosen = sa.select(sa.func.count(at), sa.func.min(at, type_=UtcTime())).where(
        c.learner == learner, c.actual_outcome.is_(None), c.signal != "hold"
    )
    n, oldest = tx.execute(chosen).one()
    return PendingOutcomes(n=n, oldest=oldest)


def newest_runs_of(tx: sa.Connection, learner: str, until: datetime | None = None) -> dict[str, datetime]:
    """Cycle → the newest instant it ran for; a run of a loop stands as `live <learner> <cycle>`. until: none later."""
    c, named = schedule_runs.c, f"live {learner} "
    chosen = sa.select(c.schedule, sa.func.max(c.due_at, type_=UtcTime())).where(c.schedule.startswith(named))
    if until is not None:
        chosen = chosen.where(c.due_at <= until)
    runs = tx.execute(chosen.group_by(c.schedule).order_by(c.schedule))
    return {schedule.removeprefix(named): due_at for schedule, due_at in runs}


def skipped_trainings(
    tx: sa.Connection, learner: str, names: Collection[str], since: datetime, until: datetime
) -> SkippedTrainings:
    """Of the trainings in (since, until], those that the log of the loop says were left out.

    names: of the lines that trainings write of themselves; the cycle that asked for one writes another.
    """
    c = live_log.c
    of_trainings = (c.learner == learner, is_of_kind("training"), c.name.in_(names))
    chosen = sa.select(c.payload).where(*of_trainings, c.at > since, c.at <= until)
    why = [one["skipped"] for one in tx.execute(chosen.order_by(c.at, c.name)).scalars() if one.get("skipped")]
    return SkippedTrainings(n=len(why), newest=why[-1] if why else None)
