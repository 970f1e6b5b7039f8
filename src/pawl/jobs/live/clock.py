"""The clocks a live loop can run on: the real one, one that runs faster, and one that only moves when it is told to."""

from datetime import datetime, timedelta
from threading import Event
from typing import Protocol

__all__ = ["Clock", "RealClock", "SpeedClock", "VirtualClock"]


class Clock(Protocol):
    """What the loop asks of time."""

    def now(self) -> datetime:
        """The present instant, UTC."""
        ...

    def wait_until(self, instant: datetime, stopped: Event) -> None:
        """Come back at the instant, or as soon as `stopped` is set."""
        ...


class NowFunction(Protocol):
    """Where a clock takes the time of day from; handed in."""

    def __call__(self) -> datetime: ...


class SpeedClock:
    """Time that was `start` at `began` (None: when this clock was made) and runs `speed` times as fast as `now`.

    >>> from datetime import UTC
    >>> here, there = datetime(2026, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
    >>> SpeedClock(start=there, speed=900.0, now=lambda: here).now() == there
    True
    """

    def __init__(self, *, start: datetime, speed: float, now: NowFunction, began: datetime | None = None) -> None:
        self._start, self._speed, self._now = start, speed, now
        self._began = began or now()

    def begin(self) -> None:
        """Begin anew, at `start`: what was done until now took none of this clock's time."""
        self._began = self._now()

    def now(self) -> datetime:
        """The present instant of this clock; it never goes back, though the clock below may be set back."""
        return self._start + max(timedelta(0), self._now() - self._began) * self._speed

    def wait_until(self, instant: datetime, stopped: Event) -> None:
        """Wait the real time that is left, in steps, so that a clock that jumps is noticed."""
        while not stopped.is_set() and (left := (instant - self.now()).total_seconds() / self._speed) > 0:
            stopped.wait(min(left, LONGEST_WAIT_SEC))


class RealClock:
    """The time of day. now: where it comes from."""

    def __init__(self, now: NowFunction) -> None:
        self._now = now

    def now(self) -> datetime:
        """The present instant."""
        return self._now()

    def wait_until(self, instant: datetime, stopped: Event) -> None:
        """Wait, in steps, so that a clock that is set is noticed."""
        while not stopped.is_set() and (left := (instant - self._now()).total_seconds()) > 0:
            stopped.wait(min(left, LONGEST_WAIT_SEC))


class VirtualClock:
    """Time that stands still while there is work, and is there at once when the loop waits for it.

    >>> from datetime import UTC
    >>> clock = VirtualClock(datetime(2026, 1, 1, tzinfo=UTC))
    >>> clock.wait_until(datetime(2026, 1, 2, tzinfo=UTC), Event())
    >>> clock.now().day
    2
    """

    def __init__(self, start: datetime) -> None:
        self._at = start

    def now(self) -> datetime:
        """The present instant."""
        return self._at

    def wait_until(self, instant: datetime, stopped: Event) -> None:
        """Be there."""
        if not stopped.is_set():
            self._at = max(self._at, instant)


LONGEST_WAIT_SEC = 1.0
