"""A replay by the calendar: when each training of a learner was due, in the order in which it was taken up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from pawl.triggers.schedule import SCHEDULES, Schedule, latest

__all__ = ["FULL_CADENCE", "Event", "events"]

FULL_CADENCE: Mapping[str, Schedule] = MappingProxyType(
    {
        "monthly": SCHEDULES["reversal_monthly"],
        "weekly": SCHEDULES["reversal_weekly"],
        "daily": SCHEDULES["reversal_daily"],
    }
)
"""What runs by itself, by kind; of those due at one instant the first named comes first."""

TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """A run that was due. order: of its kind among those of one instant."""

    at: datetime
    order: int
    kind: str

    @property
    def key(self) -> str:
        """Its name in the journal of the replay."""
        return f"{self.kind}@{self.at.isoformat()}"


def events(start: datetime, end: datetime, cadence: Mapping[str, Schedule] = FULL_CADENCE) -> list[Event]:
    """Everything that is due after `start` and before `end`, in order.

    >>> from datetime import UTC
    >>> found = events(datetime(2025, 5, 31, 12, tzinfo=UTC), datetime(2025, 6, 1, 12, tzinfo=UTC))
    >>> [one.key for one in found]  # a Sunday that is the 1st
    ['monthly@2025-06-01T00:00:00+00:00', 'weekly@2025-06-01T01:00:00+00:00', 'daily@2025-06-01T02:00:00+00:00']
    """
    found = []
    for order, (kind, schedule) in enumerate(cadence.items()):
        at = latest(schedule, end - TICK)
        while at > start:
            found.append(Event(at, order, kind))
            at = latest(schedule, at - TICK)
    return sorted(found)
