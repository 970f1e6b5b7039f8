"""How often the triggers cry wolf, and how soon they notice: by simulation, at the configured limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from pawl.triggers.audit_worlds import CHANGES, DECISIONS_A_DAY, MEANT_FOR, NOTHING, SIZES, START, Change, world
from pawl.triggers.firing import Effect, Firing
from pawl.triggers.history import History
from pawl.triggers.registry import TRIGGERS, ask
from pawl.triggers.trigger_config import TriggerSettings

__all__ = ["Found", "TriggerAudit", "TriggerAuditSize", "audit_triggers"]

WARM_UP_DAYS = 90
CALM_DAYS = 14
"""Days before a change in which the triggers are asked already, and may be resting after a false alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerAuditSize:
    """How much is simulated. n_calm, calm_days: lives without a change. n_changed: lives of each kind and size. within:
    decisions after a change in which it must be found.
    """

    n_calm: int = 50
    calm_days: int = 100
    n_changed: int = 50
    within: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """found: share of the changes that a trigger meant for them found in time. delay: median decisions until then; None
    where none was found.
    """

    found: float
    delay: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerAudit:
    """false_alarms_per_1000: firings of all triggers that ask for a training, per 1,000 decisions without a change;
    by_trigger: its parts. kinds: kind → size → what was found. by_chance: kind → share of lives without a change in
    which the same triggers fired in the same span; what `found` must be compared with.
    """

    false_alarms_per_1000: float
    by_trigger: Mapping[str, float]
    kinds: Mapping[str, Mapping[str, Found]]
    by_chance: Mapping[str, float]
    size: TriggerAuditSize


def audit_triggers(settings: TriggerSettings, size: TriggerAuditSize, rng: np.random.Generator) -> TriggerAudit:
    """Ask every trigger once a day, with its cooldown, through lives with and without a change; some minutes."""
    lives = [
        _firings(
            world(NOTHING, WARM_UP_DAYS + size.calm_days, settings.adwin_delta, rng),
            settings,
            WARM_UP_DAYS,
            size.calm_days,
        )
        for _ in range(size.n_calm)
    ]
    calm = {kind: sum(firing.kind == kind for life in lives for firing in life) for kind in _watched()}
    span = (START + timedelta(days=WARM_UP_DAYS + CALM_DAYS), timedelta(days=_n_days(size)))
    n_decisions = size.n_calm * size.calm_days * DECISIONS_A_DAY
    return TriggerAudit(
        false_alarms_per_1000=1000.0 * sum(calm.values()) / n_decisions,
        by_trigger={kind: 1000.0 * n / n_decisions for kind, n in calm.items()},
        kinds={
            kind: {
                name: _found(Change(kind=kind, amount=amount, day=WARM_UP_DAYS + CALM_DAYS), settings, size, rng)
                for name, amount in zip(SIZES, amounts, strict=True)
            }
            for kind, amounts in CHANGES.items()
        },
        by_chance={
            kind: sum(_first_of(kind, life, *span) is not None for life in lives) / size.n_calm for kind in CHANGES
        },
        size=size,
    )


def _found(change: Change, settings: TriggerSettings, size: TriggerAuditSize, rng: np.random.Generator) -> Found:
    n_days = _n_days(size)
    changed_at = START + timedelta(days=change.day)
    delays = []
    for _ in range(size.n_changed):
        history = world(change, change.day + n_days, settings.adwin_delta, rng)
        firings = _firings(history, settings, change.day - CALM_DAYS, CALM_DAYS + n_days)
        first = _first_of(change.kind, firings, changed_at, timedelta(days=n_days))
        if first is not None:
            delays.append((first - changed_at) / timedelta(days=1) * DECISIONS_A_DAY)
    delay = float(np.median(delays)) if delays else None
    return Found(found=len(delays) / size.n_changed, delay=delay)


def _firings(history: History, settings: TriggerSettings, first_day: int, n_days: int) -> list[Firing]:
    """Every firing of a life, the triggers asked at each midnight after the first day."""
    last: dict[str, datetime] = {}
    found = []
    for day in range(first_day + 1, first_day + n_days + 1):
        now = START + timedelta(days=day)
        for kind in _watched():
            firing = ask(kind, history, settings, last.get(kind), now)
            if firing is not None:
                last[kind] = now
                found.append(firing)
    return found


def _first_of(kind: str, firings: list[Firing], start: datetime, span: timedelta) -> datetime | None:
    """When a trigger meant for this kind of change first fired in the span; None when none did."""
    found = (one.at for one in firings if one.kind in MEANT_FOR[kind] and start < one.at <= start + span)
    return min(found, default=None)


def _n_days(size: TriggerAuditSize) -> int:
    return -(-size.within // DECISIONS_A_DAY)


def _watched() -> list[str]:
    return [kind for kind, trigger in TRIGGERS.items() if trigger.effect is Effect.RETRAIN]
