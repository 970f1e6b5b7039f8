"""Every trigger by its kind, and how one is asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pawl.errors import NotFoundError
from pawl.triggers.calibration_drift import calibration_drift
from pawl.triggers.data_anomaly import data_anomaly
from pawl.triggers.extreme_conditions import extreme_conditions
from pawl.triggers.feature_drift import feature_drift
from pawl.triggers.firing import Effect, Firing, Reading, has_cooled
from pawl.triggers.history import History
from pawl.triggers.hold_share import hold_share
from pawl.triggers.regime_change import regime_change
from pawl.triggers.trigger_config import TriggerSettings
from pawl.triggers.win_rate_drop import win_rate_drop

__all__ = ["TRIGGERS", "Trigger", "ask", "fired", "fired_of", "readings", "trigger_named"]

Measure = Callable[[History, TriggerSettings, datetime], Reading]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """measure: looks at the history. effect: what a firing asks for."""

    measure: Measure
    effect: Effect

    def cooldown(self, settings: TriggerSettings) -> timedelta:
        """How long it rests after it fired."""
        is_training = self.effect is Effect.RETRAIN
        return timedelta(days=settings.cooldown_days if is_training else settings.alert_cooldown_days)


TRIGGERS: Mapping[str, Trigger] = {
    "win_rate_drop": Trigger(measure=win_rate_drop, effect=Effect.RETRAIN),
    "calibration_drift": Trigger(measure=calibration_drift, effect=Effect.RETRAIN),
    "regime_change": Trigger(measure=regime_change, effect=Effect.RETRAIN),
    "feature_drift": Trigger(measure=feature_drift, effect=Effect.RETRAIN),
    "hold_share": Trigger(measure=hold_share, effect=Effect.ALERT),
    "data_anomaly": Trigger(measure=data_anomaly, effect=Effect.ALERT),
    "extreme_conditions": Trigger(measure=extreme_conditions, effect=Effect.PAUSE),
}
"""The triggers that look at what happened; `schedule` looks at the clock alone, and has a module of its own."""


def trigger_named(kind: str) -> Trigger:
    """The trigger of this kind; NotFoundError lists the known ones."""
    if kind not in TRIGGERS:
        raise NotFoundError(f"no trigger `{kind}`", where="triggers", fix=f"take one of {', '.join(TRIGGERS)}")
    return TRIGGERS[kind]


def ask(
    kind: str, history: History, settings: TriggerSettings, last_fired: datetime | None, now: datetime
) -> Firing | None:
    """A firing, where the trigger has cooled down and is crossed. A pause is renewed while it lasts: it never rests."""
    trigger = trigger_named(kind)
    if not _is_rested(trigger, settings, last_fired, now):
        return None
    reading = trigger.measure(history, settings, now)
    if not reading.is_crossed:
        return None
    return Firing(kind=kind, effect=trigger.effect, at=now, values=reading.values, reason=reading.reason)


def readings(history: History, settings: TriggerSettings, now: datetime) -> Mapping[str, Reading]:
    """One look at every trigger, rested or not: kind → what it measured."""
    return {kind: trigger.measure(history, settings, now) for kind, trigger in TRIGGERS.items()}


def fired_of(
    looks: Mapping[str, Reading], settings: TriggerSettings, last_fired: Mapping[str, datetime], now: datetime
) -> tuple[Firing, ...]:
    """The firings that these looks make. last_fired: kind → when it fired last; absent for never."""
    return tuple(
        Firing(kind=kind, effect=trigger.effect, at=now, values=looks[kind].values, reason=looks[kind].reason)
        for kind, trigger in TRIGGERS.items()
        if looks[kind].is_crossed and _is_rested(trigger, settings, last_fired.get(kind), now)
    )


def fired(
    history: History, settings: TriggerSettings, last_fired: Mapping[str, datetime], now: datetime
) -> tuple[Firing, ...]:
    """All triggers that fire now. last_fired: kind → when it fired last; absent for never.

    >>> from datetime import UTC
    >>> fired(History(), TriggerSettings(), {}, datetime(2026, 1, 1, tzinfo=UTC))
    ()
    """
    found = (ask(kind, history, settings, last_fired.get(kind), now) for kind in TRIGGERS)
    return tuple(firing for firing in found if firing is not None)


def _is_rested(trigger: Trigger, settings: TriggerSettings, last_fired: datetime | None, now: datetime) -> bool:
    return trigger.effect is Effect.PAUSE or has_cooled(last_fired, trigger.cooldown(settings), now)
