"""What a trigger finds, and what it sets off."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

__all__ = ["Effect", "Firing", "Reading", "has_cooled"]


class Effect(StrEnum):
    """What a firing asks for."""

    RETRAIN = "retrain"
    ALERT = "alert"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One look at one trigger. values: what was measured, with the limits; NaN where it could not be. reason: why it
    crossed, or why it could not be judged; empty where it was judged and lies inside its limits.
    """

    values: Mapping[str, float]
    is_crossed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """A trigger that fired, with the values that fired it."""

    kind: str
    effect: Effect
    at: datetime
    values: Mapping[str, float]
    reason: str


def has_cooled(last_fired: datetime | None, cooldown: timedelta, now: datetime) -> bool:
    """Whether a trigger may fire again.

    >>> from datetime import UTC
    >>> monday = datetime(2026, 1, 5, tzinfo=UTC)
    >>> has_cooled(monday, timedelta(days=7), monday + timedelta(days=7)), has_cooled(None, timedelta(days=7), monday)
    (True, True)
    """
    return last_fired is None or now - last_fired >= cooldown
