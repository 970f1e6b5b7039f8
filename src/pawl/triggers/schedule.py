"""When a scheduled run is due. A run that was missed, however often, is made once; all times are UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from pawl.errors import InputError

__all__ = [
    "SCHEDULES",
    "Daily",
    "DueRun",
    "Every",
    "Monthly",
    "Schedule",
    "Weekly",
    "due_run",
    "is_due",
    "latest",
    "next_after",
]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Every:
    """At every multiple of an interval since 1970-01-01 00:00 UTC: each quarter of an hour, each minute."""

    interval: timedelta

    def __post_init__(self) -> None:
        if self.interval <= timedelta(0):
            raise InputError(f"a schedule every {self.interval}", where="schedule", fix="give a positive interval")

    def at_or_before(self, now: datetime) -> datetime:
        """The newest scheduled instant at or before `now`."""
        return EPOCH + (now - EPOCH) // self.interval * self.interval


@dataclass(frozen=True, slots=True)
class Daily:
    """Every day at a time UTC."""

    at: time

    def at_or_before(self, now: datetime) -> datetime:
        """The newest scheduled instant at or before `now`."""
        today = _on(now, self.at)
        return today if today <= now else today - DAY


@dataclass(frozen=True, slots=True)
class Weekly:
    """On some days of the week (0 is Monday) at a time UTC."""

    weekdays: tuple[int, ...]
    at: time

    def __post_init__(self) -> None:
        if not self.weekdays or not set(self.weekdays) <= set(range(7)):
            raise InputError(f"a schedule on {self.weekdays}", where="schedule", fix="give days from 0 to 6")

    def at_or_before(self, now: datetime) -> datetime:
        """The newest scheduled instant at or before `now`."""
        found = Daily(self.at).at_or_before(now)
        while found.weekday() not in self.weekdays:
            found -= DAY
        return found


@dataclass(frozen=True, slots=True)
class Monthly:
    """On a day of the month, 1 to 28, at a time UTC."""

    day: int
    at: time

    def __post_init__(self) -> None:
        if not 1 <= self.day <= 28:
            raise InputError(
                f"a schedule on day {self.day}", where="schedule", fix="give a day every month has: 1 to 28"
            )

    def at_or_before(self, now: datetime) -> datetime:
        """The newest scheduled instant at or before `now`."""
        found = Daily(self.at).at_or_before(now)
        while found.day != self.day:
            found -= DAY
        return found


Schedule = Every | Daily | Weekly | Monthly

SCHEDULES: Mapping[str, Schedule] = {
    "collection": Every(timedelta(minutes=15)),
    "signals": Every(timedelta(minutes=15)),
    "positions": Every(timedelta(seconds=60)),
    "reversal_daily": Daily(time(2)),
    "reversal_weekly": Weekly((6,), time(1)),
    "reversal_monthly": Monthly(1, time(0)),
    "policy_retrain": Weekly((5,), time(3)),
    "analyst_retrain": Weekly((1, 4), time(3)),
    "pretraining": Weekly((5,), time(5)),
}
"""What runs when, by name. Those of `reversal` are given; of the language models only how often, the rest off-peak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRun:
    """One run that is due. at: the instant it was scheduled for, the newest of those missed. n_missed: older ones that
    this run stands for.
    """

    name: str
    at: datetime
    n_missed: int

    @property
    def key(self) -> str:
        """The same for everybody who finds this run due, so that it is queued once.

        >>> DueRun(name="reversal_daily", at=datetime(2026, 1, 5, 2, tzinfo=UTC), n_missed=0).key
        'reversal_daily@2026-01-05T02:00:00+00:00'
        """
        return f"{self.name}@{self.at.isoformat()}"


def latest(schedule: Schedule, now: datetime) -> datetime:
    """The newest scheduled instant at or before `now`, UTC.

    >>> latest(Weekly((6,), time(1)), datetime(2026, 1, 6, tzinfo=UTC)).isoformat()
    '2026-01-04T01:00:00+00:00'
    """
    if now.utcoffset() is None:
        raise InputError(f"{now} has no zone", where="schedule", fix="hand in a time with its zone")
    return schedule.at_or_before(now.astimezone(UTC))


def next_after(schedule: Schedule, instant: datetime) -> datetime:
    """The first scheduled instant after `instant`, UTC.

    >>> next_after(Weekly((1, 4), time(3)), datetime(2026, 1, 6, 3, tzinfo=UTC)).isoformat()
    '2026-01-09T03:00:00+00:00'
    >>> next_after(Every(timedelta(minutes=15)), datetime(2026, 1, 6, 3, tzinfo=UTC)).minute
    15
    """
    if isinstance(schedule, Every):
        return latest(schedule, instant) + schedule.interval
    # No schedule has two instants on one day, so the newest one of the first day that has one behind is the first.
    day = instant
    while (found := latest(schedule, day)) <= instant:
        day += DAY
    return found


def is_due(schedule: Schedule, last_run: datetime, now: datetime) -> bool:
    """Whether a scheduled instant lies after the last run and not after `now`.

    last_run: the instant of the last run (`DueRun.at`, or when it really ran); before the first, when the schedule was
    set up, so that nothing runs for the time before.
    """
    return latest(schedule, now) > last_run


def due_run(name: str, schedule: Schedule, last_run: datetime, now: datetime) -> DueRun | None:
    """The one run that is due, whatever was missed; None when none is.

    >>> monday = datetime(2026, 1, 5, 2, tzinfo=UTC)
    >>> due_run("reversal_daily", Daily(time(2)), monday, monday + timedelta(days=3.5)).n_missed
    2
    """
    if not is_due(schedule, last_run, now):
        return None
    at = latest(schedule, now)
    n_missed, before = 0, latest(schedule, at - timedelta(microseconds=1))
    while before > last_run and not isinstance(schedule, Every):
        n_missed, before = n_missed + 1, latest(schedule, before - timedelta(microseconds=1))
    if isinstance(schedule, Every):
        # A minute's schedule after a month off: counted, not walked through.
        n_missed = max(0, -(-(at - last_run) // schedule.interval) - 1)
    return DueRun(name=name, at=at, n_missed=n_missed)


def _on(day: datetime, at: time) -> datetime:
    return datetime.combine(day.date(), at, tzinfo=UTC)
