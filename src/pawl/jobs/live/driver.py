"""The driver: runs each cycle at every instant it is due, once, in one fixed order, on whatever clock it is given.

What has run stands in `schedule_runs`, written in the transaction that ends the run: a process that dies in between
runs the same instant again, and every cycle makes its effect once by the ledger's own rules. One process at a time
runs a cycle (`lease.py`); another one that is started stands by and takes over.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from queue import Empty, Queue
from time import monotonic
from typing import TypeVar

from pawl.errors import StorageError
from pawl.jobs.live.clock import Clock
from pawl.jobs.live.cycle import Cycle
from pawl.jobs.live.cycle_runs import CycleRuns, schedule_of
from pawl.jobs.live.lease import Lease
from pawl.jobs.live.skipped_runs import Skips, next_run
from pawl.jobs.live.turn import Turn
from pawl.jobs.live.watch import Run
from pawl.ledger.database import Ledger
from pawl.ledger.schedule_runs import newest_taken
from pawl.triggers.schedule import due_run

__all__ = ["Driver", "Observed", "Rules"]

Answer = TypeVar("Answer")

AWAY_SEC = 1.0
"""Real seconds between two tries while the ledger does not answer, or another process holds the lease."""
LOOK_SEC = 0.05
"""Real seconds between two looks at what another process has run."""


class Observed:
    """Looks the other way; another hears of every beginning and end of a run, and of what goes wrong beside one."""

    def begins(self, cycle: str, at: datetime) -> None:
        """A run begins."""

    def ended(self, run: Run) -> None:
        """A run has ended."""

    def trouble(self, what: str) -> None:
        """The ledger does not answer, or another process runs the loop: the driver waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """The next run. place: of its cycle in the fixed order."""

    at: datetime
    place: int
    cycle: Cycle
    n_missed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How the driver runs. learner: whose cycles these are. beside: trainings run beside the loop, one at a time.

    gap: a cycle that is further behind than this, as after a pause of the machine, runs once for all it has missed.
    grace_sec: what a training gets to end when the loop is stopped. patience_sec: how long a cycle waits for the one
    before it that another process runs. turn: that the trainings of this process take. skips: runs to leave out.
    """

    learner: str
    beside: bool
    gap: timedelta
    grace_sec: float = 20.0
    patience_sec: float = 60.0
    turn: Turn = field(default_factory=Turn)
    skips: Skips = field(default_factory=dict)


class Driver:
    """Drives the cycles. cycles: in the order in which they run at one instant. since: nothing is due at or before it
    but what an earlier process began. stopped: set from outside, ends the loop behind the run at hand.
    """

    def __init__(
        self, ledger: Ledger, lease: Lease, cycles: Sequence[Cycle], clock: Clock, rules: Rules, observed: Observed
    ) -> None:
        self._ledger, self._lease, self._cycles, self._clock = ledger, lease, tuple(cycles), clock
        self._rules, self._observed = rules, observed
        self._last: dict[str, datetime] = {}
        self._met: set[str] = set()  # cycles that have caught up with what was missed before this process
        self._runs = CycleRuns(ledger, rules.learner, clock, rules.turn)
        self._trainings = _Beside() if rules.beside else None

    def run(self, since: datetime, until: datetime | None, stopped: threading.Event) -> None:
        """Run until the clock has passed `until` (None: for ever) and all that was due has run, or until stopped."""
        if self._wait_for_lease(stopped):
            self._last = self._retrying(lambda: self._newest(since), stopped) or {}
            self._loop(until, stopped)
        if self._trainings is not None:
            self._trainings.close(None if not stopped.is_set() else self._rules.grace_sec)

    def _loop(self, until: datetime | None, stopped: threading.Event) -> None:
        while not stopped.is_set():
            due = self._next(self._clock.now(), until)
            if until is not None and due.at > until:
                self._clock.wait_until(until, stopped)
                return
            self._clock.wait_until(due.at, stopped)
            if stopped.is_set() or not self._wait_for_lease(stopped):
                return
            self._last[due.cycle.name] = due.at
            self._met.add(due.cycle.name)
            if due.cycle.is_training and self._trainings is not None:
                self._trainings.put(partial(self._one, due, stopped))
            else:
                self._one(due, stopped)

    @property
    def is_training_left(self) -> bool:
        """Whether a training did not end within its grace: the next process runs it again."""
        return self._trainings is not None and self._trainings.is_busy

    def _newest(self, since: datetime) -> dict[str, datetime]:
        with self._ledger.reading() as tx:
            taken = newest_taken(tx, [schedule_of(self._rules.learner, one.name) for one in self._cycles])
        return {one.name: taken.get(schedule_of(self._rules.learner, one.name), since) for one in self._cycles}

    def _next(self, now: datetime, until: datetime | None) -> _Due:
        """What is due first. After a gap, and when a process begins, a cycle runs once for all that it has missed: for
        the newest instant of the run, also where the clock has passed its end by now.
        """
        found = []
        for place, cycle in enumerate(self._cycles):
            last = self._last[cycle.name]
            at, n_missed = next_run(cycle.schedule, last, self._rules.skips.get(cycle.name, ()))
            if at > now:
                self._met.add(cycle.name)
            elif cycle.name not in self._met or now - at > self._rules.gap:
                missed = due_run(cycle.name, cycle.schedule, last, now if until is None else min(now, until))
                if missed is not None:
                    at, n_missed = missed.at, missed.n_missed
            found.append(_Due(at=at, place=place, cycle=cycle, n_missed=n_missed))
        return min(found, key=lambda due: (due.at, due.place))

    def _one(self, due: _Due, stopped: threading.Event) -> None:
        """Run a cycle at an instant until it has run, and say so."""
        cycle, began = due.cycle, monotonic()
        late_sec = max(0.0, (self._clock.now() - due.at).total_seconds())
        self._wait_for_others(due, stopped)
        self._observed.begins(cycle.name, due.at)
        outcome = self._retrying(lambda: self._runs.made(due.cycle, due.at, due.n_missed), stopped)
        if outcome is None:
            return
        told, error = outcome
        self._observed.ended(
            Run(
                cycle=cycle.name,
                at=due.at,
                told=told,
                seconds=monotonic() - began,
                late_sec=late_sec,
                n_missed=due.n_missed,
                error=error,
            )
        )

    def _wait_for_others(self, due: _Due, stopped: threading.Event) -> None:
        """Where another process runs what comes before this at the same instant, wait for it, but not for ever."""
        own = {one.name for one in self._cycles}
        names = [schedule_of(self._rules.learner, name) for name in due.cycle.after if name not in own]
        began = monotonic()

        def have_run() -> bool:
            with self._ledger.reading() as tx:
                newest = newest_taken(tx, names)
            return all(name in newest and newest[name] >= due.at for name in names)

        while names and not stopped.is_set() and monotonic() - began < self._rules.patience_sec:
            if self._retrying(have_run, stopped):
                return
            stopped.wait(LOOK_SEC)

    def _wait_for_lease(self, stopped: threading.Event) -> bool:
        told = False
        while not stopped.is_set():
            if self._retrying(self._lease.take, stopped):
                return True
            if not told:
                self._observed.trouble("another process runs this; standing by")
                told = True
            stopped.wait(AWAY_SEC)
        return False

    def _retrying(self, act: Callable[[], Answer], stopped: threading.Event) -> Answer | None:
        """Do it until the ledger answers; None when stopped before."""
        while not stopped.is_set():
            try:
                return act()
            except StorageError as error:
                self._observed.trouble(str(error))
                stopped.wait(AWAY_SEC)
        return None


class _Beside:
    """One thread that runs trainings one after the other."""

    def __init__(self) -> None:
        self._queue: Queue[Callable[[], None]] = Queue()
        self._over, self._idle = threading.Event(), threading.Event()
        self._idle.set()
        self._thread = threading.Thread(target=self._run, name="pawl-trainings", daemon=True)
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        return self._thread.is_alive()

    def put(self, act: Callable[[], None]) -> None:
        """Run it when those before have ended."""
        self._queue.put(act)

    def close(self, within_sec: float | None) -> None:
        """End behind all that waits; with a limit, behind the one that runs."""
        if within_sec is not None:
            self._over.set()
        self._queue.put(self._over.set)
        self._thread.join(within_sec)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                act = self._queue.get(timeout=AWAY_SEC)
            except Empty:
                continue
            act()
