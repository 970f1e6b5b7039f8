"""How a running loop is: what a person watches, and the alerts look at, as figures of one instant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pawl.jobs.live.feature_memory import FeatureMemory
from pawl.jobs.live.surroundings import TRAININGS
from pawl.jobs.live.trigger_history import trigger_history
from pawl.jobs.live.watched_world import WatchedWorld
from pawl.ledger.deployments import active_at
from pawl.ledger.monitored_rows import (
    EndedJob,
    PendingOutcomes,
    SkippedTrainings,
    VersionResults,
    newest_jobs,
    newest_runs_of,
    pending_outcomes,
    skipped_trainings,
    version_results,
)
from pawl.ledger.trigger_firings import StoredFiring, is_paused, open_firings, waiting
from pawl.triggers.firing import Reading
from pawl.triggers.history import Feed, History, before
from pawl.triggers.registry import readings
from pawl.triggers.trigger_config import TriggerSettings

__all__ = ["PERFORMANCE_DAYS", "Drift", "Monitoring", "monitor"]

PERFORMANCE_DAYS = 30.0
"""Days of signals whose results are shown, and of trainings that were left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The feature that drifted most: its name and stability index; None where nothing could be judged (why says so)."""

    feature: str | None
    psi: float | None
    n_changes: int | None
    limit: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """Of one learner at one instant. looks: what every trigger measured. trainings: the newest of each type. late_sec:
    cycle → how late its last run began, as the process that runs it knows. ran_at: cycle → the newest instant it ran
    for. lasting: pauses and alerts that last. n_waiting: firings that wait for a training.
    """

    learner: str
    at: datetime
    serving: str | None
    is_paused: bool
    lasting: tuple[StoredFiring, ...]
    n_waiting: int
    trainings: tuple[EndedJob, ...]
    skipped: SkippedTrainings
    drift: Drift
    versions: tuple[VersionResults, ...]
    feeds: tuple[Feed, ...]
    hold_share: float | None
    pending: PendingOutcomes
    ran_at: Mapping[str, datetime]
    late_sec: Mapping[str, float] = field(default_factory=dict)
    looks: Mapping[str, Reading] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As `pawl monitor --json` prints it; None for what could not be measured."""
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
            "samples_skipped": {"trainings": self.skipped.n, "newest": self.skipped.newest},
            "feature_drift": {
                "feature": self.drift.feature,
                "psi": self.drift.psi,
                "changes": self.drift.n_changes,
                "limit": self.drift.limit,
                "why": self.drift.why or None,
            },
            "performance": [_results(one) for one in self.versions],
            "data_quality": [_feed(one) for one in self.feeds],
            "hold_share": self.hold_share,
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
    since = before(at, PERFORMANCE_DAYS)
    with world.ledger.reading() as tx:
        history = trigger_history(tx, world, settings, at, memory or FeatureMemory())
        looks = readings(history, settings, at)
        holds = looks["hold_share"].values["hold_share"]
        return Monitoring(
            learner=world.name,
            at=at,
            serving=active_at(tx, world.name, at + timedelta.resolution),  # a move at this instant counts,
            is_paused=is_paused(tx, world.name, at),
            lasting=tuple(open_firings(tx, world.name).values()),
            n_waiting=len(waiting(tx, world.name)),
            trainings=tuple(newest_jobs(tx, world.name, at)),
            skipped=skipped_trainings(tx, world.name, TRAININGS, since, at),
            drift=_drift(looks["feature_drift"], history),
            versions=tuple(version_results(tx, world.name, since, at)),
            feeds=history.feeds or (),
            hold_share=holds if holds == holds else None,  # NaN: too few decisions
            pending=pending_outcomes(tx, world.name, at),
            ran_at=newest_runs_of(tx, world.name, at),
            late_sec=late_sec or {},
            looks=looks,
        )


def _drift(look: Reading, history: History) -> Drift:
    values, rows = look.values, history.features
    is_judged = rows is not None and values["psi"] == values["psi"]
    return Drift(
        feature=rows.names[int(values["feature"])] if is_judged and rows is not None else None,
        psi=values["psi"] if is_judged else None,
        n_changes=int(values["n_changes"]) if is_judged else None,
        limit=values["limit"],
        why="" if is_judged else look.reason,
    )


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
