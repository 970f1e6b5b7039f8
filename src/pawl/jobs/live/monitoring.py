"""How a running loop is: what a person watches, and the alerts look at, as figures of one instant."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from pawl.jobs.live.feature_memory import FeatureMemory
from pawl.jobs.live.measured import Measured, kept_measured, measured
from pawl.jobs.live.trigger_history import trigger_history
from pawl.jobs.live.watched_world import WatchedWorld
from pawl.ledger.deployments import active_at
from pawl.ledger.monitored_rows import (
    EndedJob,
    PendingOutcomes,
    VersionResults,
    newest_jobs,
    newest_runs_of,
    pending_outcomes,
)
from pawl.ledger.trigger_firings import StoredFiring, is_paused, open_firings, waiting
from pawl.triggers.firing import Reading
from pawl.triggers.history import Feed
from pawl.triggers.registry import readings
from pawl.triggers.trigger_config import TriggerSettings

__all__ = ["Monitoring", "Standing", "glance", "monitor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a few rows say of one learner at one instant. trainings: the newest of each type. lasting: pauses and alerts
    that last. n_waiting: firings that wait for a training. ran_at: cycle → the newest instant it ran for.
    """

    learner: str
    at: datetime
    serving: str | None
    is_paused: bool
    lasting: tuple[StoredFiring, ...]
    n_waiting: int
    trainings: tuple[EndedJob, ...]
    pending: PendingOutcomes
    ran_at: Mapping[str, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring(Standing):
    """All of it. looks: what every trigger measured. late_sec: cycle → how late its last run began, as the process that
    runs it knows.
    """

    measured: Measured
    late_sec: Mapping[str, float]
    looks: Mapping[str, Reading]

    def to_json(self) -> dict[str, Any]:
        """As `pawl monitor --json` prints it; None for what could not be measured."""
        known = self.measured
        return {
            "learner": self.learner,
            "at": self.at.isoformat(),
            "serving": self.serving,
            "is_paused": self.is_paused,
            "lasting": [
                {"kind": one.kind, "effect": one.effect, "since": one.at.isoformat(), "reason": one.reason}
                for one in self.lasting
            ],
            "waiting": self.n_waiting,
            "trainings": [_training(one) for one in self.trainings],
            "samples_skipped": {"trainings": known.skipped.n, "newest": known.skipped.newest},
            "feature_drift": {
                "feature": known.drift.feature,
                "psi": known.drift.psi,
                "changes": known.drift.n_changes,
                "limit": known.drift.limit,
                "why": known.drift.why or None,
            },
            "performance": [_results(one) for one in known.versions],
            "data_quality": [_feed(one) for one in known.feeds],
            "hold_share": known.hold_share,
            "pending_outcomes": {"n": self.pending.n, "oldest_sec": self._age(self.pending.oldest)},
            "cycles": {
                cycle: {"ran_at": at.isoformat(), "age_sec": self._age(at), "late_sec": self.late_sec.get(cycle)}
                for cycle, at in self.ran_at.items()
            },
            "triggers": {
                kind: {"values": dict(look.values), "is_crossed": look.is_crossed, "why": look.reason or None}
                for kind, look in self.looks.items()
            },
        }

    def _age(self, at: datetime | None) -> float | None:
        return None if at is None else (self.at - at).total_seconds()


def monitor(
    world: WatchedWorld,
    at: datetime,
    settings: TriggerSettings,
    memory: FeatureMemory | None = None,
    late_sec: Mapping[str, float] | None = None,
) -> Monitoring:
    """Look at everything; nothing is written, and nothing after `at` is read.

    memory: as `ask_triggers` keeps it; not the very one while another thread asks. late_sec: by cycle, of this process.
    """
    with world.ledger.reading() as tx:
        history = trigger_history(tx, world, settings, at, memory or FeatureMemory())
        looks = readings(history, settings, at)
        return Monitoring(
            **_rows(tx, world.name, at),
            measured=measured(tx, world.name, history, looks, at),
            late_sec=late_sec or {},
            looks=looks,
        )


def glance(world: WatchedWorld, at: datetime) -> tuple[Standing, Measured | None]:
    """What takes no work: a few rows, and the figures as the loop left them when it looked last, None before that."""
    with world.ledger.reading() as tx:
        return Standing(**_rows(tx, world.name, at)), kept_measured(tx, world.name, at)


def _rows(tx: sa.Connection, learner: str, at: datetime) -> dict[str, Any]:
    return {
        "learner": learner,
        "at": at,
        "serving": active_at(tx, learner, at + timedelta.resolution),  # a move at this instant counts
        "is_paused": is_paused(tx, learner, at),
        "lasting": tuple(open_firings(tx, learner).values()),
        "n_waiting": len(waiting(tx, learner)),
        "trainings": tuple(newest_jobs(tx, learner, at)),
        "pending": pending_outcomes(tx, learner, at),
        "ran_at": newest_runs_of(tx, learner, at),
    }


def _training(one: EndedJob) -> dict[str, Any]:
    return {
        "training_type": one.training_type,
        "version": one.version,
        "status": one.status,
        "finished_at": one.finished_at.isoformat(),
        "train_loss": one.train_loss,
        "val_loss": one.val_loss,
        "train_val_gap": one.gap,
        "train_accuracy": one.train_accuracy,
        "val_accuracy": one.val_accuracy,
        "error": one.error,
    }


def _results(one: VersionResults) -> dict[str, Any]:
    return {
        "version": one.version,
        "is_shadow": one.is_shadow,
        "signals": one.n_signals,
        "holds": one.n_holds,
        "resolved": one.n_resolved,
        "wins": one.n_wins,
        "losses": one.n_losses,
        "win_rate": one.win_rate,
        "mean_bps": one.mean_bps,
        "pnl_bps": one.pnl_bps,
    }


def _feed(one: Feed) -> dict[str, Any]:
    return {
        "ticker": one.ticker,
        "expected_bars": one.n_expected,
        "present_bars": one.n_present,
        "missing_share": one.missing_share if one.n_expected else None,
        "owed_bars": one.n_owed,
        "dirty_rows": one.n_refused,
    }
