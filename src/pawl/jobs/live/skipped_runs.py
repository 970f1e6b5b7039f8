"""The runs that a loop left out when it was made, so that they are left out again when it is played."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime

from pawl.triggers.schedule import Schedule, next_after

__all__ = ["Skips", "next_run"]

Skips = Mapping[str, Sequence[tuple[datetime, int]]]
"""Cycle → the instants that stood for older ones, in order, and how many they stood for."""


def next_run(schedule: Schedule, last: datetime, skips: Sequence[tuple[datetime, int]]) -> tuple[datetime, int]:
    """The next instant of a schedule, and how many it stands for.

    >>> from datetime import UTC, timedelta
    >>> from pawl.triggers.schedule import Every
    >>> minute, last = Every(timedelta(minutes=1)), datetime(2026, 1, 1, tzinfo=UTC)
    >>> next_run(minute, last, [(last + timedelta(minutes=5), 4)])[0].minute
    5
    >>> next_run(minute, last, [(last + timedelta(minutes=9), 4)])[0].minute  # it stood for minutes 5 to 8
    1
    """
    at = next_after(schedule, last)
    place = bisect_right(skips, at, key=lambda one: one[0])
    if place == len(skips):
        return at, 0
    then, n_missed = skips[place]
    reached = at
    for _ in range(n_missed):
        reached = next_after(schedule, reached)
        if reached > then:
            break
    return (then, n_missed) if reached == then else (at, 0)
