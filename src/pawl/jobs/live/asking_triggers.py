"""Asking the triggers: what fires is written down with its values, and told, in one transaction."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from pawl.jobs.live.cycle import Told
from pawl.jobs.live.feature_memory import FeatureMemory
from pawl.jobs.live.measured import keep_measured, measured
from pawl.jobs.live.trigger_history import trigger_history
from pawl.jobs.live.watched_world import WatchedWorld
from pawl.ledger.loop_outbox import announce
from pawl.ledger.loop_payloads import MOST_TEXT, Alert, AlertKind
from pawl.ledger.training_outcomes import failed_trainings
from pawl.ledger.trigger_firings import (
    TRIGGERS,
    NewFiring,
    end_firing,
    is_paused,
    last_ended_by_hand,
    last_fired,
    open_firings,
    record_firing,
    renew,
    waiting,
)
from pawl.triggers.firing import Effect, Reading
from pawl.triggers.history import History
from pawl.triggers.registry import TRIGGERS as KINDS
from pawl.triggers.registry import fired_of, readings
from pawl.triggers.trigger_config import TriggerSettings

__all__ = ["ALERT_OF", "TRAINING_FAILED", "ask_triggers"]

TRAINING_FAILED = "training_failed"
FAILURES_DAYS = 7.0
"""How far back a failed training is looked for: longer than the loop may stand still without anybody noticing."""

ALERT_OF: Mapping[str, AlertKind] = {
    "win_rate_drop": "performance_drop",
    "calibration_drift": "performance_drop",
    "feature_drift": "feature_drift",
    "hold_share": "hold_share",
    "data_anomaly": "data_anomaly",
    "extreme_conditions": "pause",
    TRAINING_FAILED: "training_failed",
}
"""What is told of a firing, by kind. A change of regime is told by the training that it sets off."""


def ask_triggers(
    world: WatchedWorld, at: datetime, settings: TriggerSettings, memory: FeatureMemory | None = None
) -> Told:
    """Ask every trigger. A firing that asks for a training waits until one answers it; a pause or alert is told once,
    renewed while it lasts, and ended after a day in which it was judged not to. What was measured is left for whoever
    watches.

    memory: what earlier looks have read; kept by a caller that asks again and again.
    """
    with world.ledger.reading() as tx:
        history = trigger_history(tx, world, settings, at, memory or FeatureMemory())
        looks = readings(history, settings, at)
        seen = measured(tx, world.name, history, looks, at)
    with world.ledger.transaction() as tx:
        keep_measured(tx, world.name, seen)
        rest = last_fired(tx, world.name)
        asked = [one for one in fired_of(looks, settings, rest, at) if one.effect is Effect.RETRAIN]
        new = [one.kind for one in asked if _record(tx, world.name, one.kind, looks[one.kind], history, at)]
        new += _follow(tx, world.name, looks, history, settings, at)
        new += _tell_failures(tx, world.name, at)
        return {
            "fired": new,
            "is_paused": is_paused(tx, world.name, at),
            "waiting": len(waiting(tx, world.name)),
        }


def _follow(
    tx: sa.Connection,
    learner: str,
    looks: Mapping[str, Reading],
    history: History,
    settings: TriggerSettings,
    at: datetime,
) -> list[str]:
    """Begin, renew and end pauses and alerts; the kinds that began."""
    day = timedelta(days=settings.alert_cooldown_days)
    lasting, lifted = open_firings(tx, learner), last_ended_by_hand(tx, learner)
    new = []
    for kind, trigger in KINDS.items():
        if trigger.effect is Effect.RETRAIN:
            continue
        look, known = looks[kind], lasting.get(kind)
        if look.is_crossed and known is not None:
            renew(tx, known.firing_id, at)
        elif look.is_crossed:
            # Who resumed by hand knew of the conditions, and is not overruled at the next look.
            is_resting = kind in lifted and at - lifted[kind] < day
            if not is_resting and _record(tx, learner, kind, look, history, at):
                new.append(kind)
        # What cannot be judged (a reason without a crossing) is no calm.
        elif known is not None and not look.reason and at - known.lasted_until >= day:
            reason = "a day without"
            if end_firing(tx, known.firing_id, at, TRIGGERS, reason) and trigger.effect is Effect.PAUSE:
                text = f"{learner}: trainings and deployments go on"
                over = Alert(kind=ALERT_OF[kind], learner=learner, about=known.firing_id, is_over=True, text=text)
                announce(tx, over, at)
    return new


def _record(tx: sa.Connection, learner: str, kind: str, look: Reading, history: History, at: datetime) -> bool:
    """Write a firing down, and tell it; False where it stands already."""
    values: dict[str, float | str | None] = dict(look.values)
    if kind == "feature_drift" and history.features is not None:
        names, worst = history.features.names, int(look.values["feature"])
        values["feature"] = names[worst] if worst >= 0 else None  # where no feature has a PSI, none is the worst
    effect = KINDS[kind].effect.value
    new = NewFiring(learner=learner, kind=kind, effect=effect, at=at, values=values, reason=look.reason)
    return _tell(tx, new, at)


def _tell_failures(tx: sa.Connection, learner: str, at: datetime) -> list[str]:
    """Tell of each training that failed, once."""
    told = []
    for job in failed_trainings(tx, learner, at - timedelta(days=FAILURES_DAYS), at):
        reason = f"the training of {job.version} failed: {job.error}"
        new = NewFiring(
            learner=learner,
            kind=TRAINING_FAILED,
            effect=Effect.ALERT.value,
            at=job.finished_at,
            values={"train_job_id": str(job.job_id), "model_version": job.version},
            reason=reason,
            key=str(job.job_id),
        )
        if _tell(tx, new, at):
            end_firing(tx, new.firing_id, at, TRIGGERS, "told")
            told.append(TRAINING_FAILED)
    return told


def _tell(tx: sa.Connection, new: NewFiring, at: datetime) -> bool:
    if not record_firing(tx, new):
        return False
    if new.kind in ALERT_OF:
        alert = Alert(
            kind=ALERT_OF[new.kind],
            learner=new.learner,
            about=new.firing_id,
            text=f"{new.learner}: {new.reason}"[:MOST_TEXT],
            values=new.stored_values,
        )
        announce(tx, alert, at)
    return True
