"""What is known of a running loop: counts and times of its cycles, for health, metrics and the answer at the end."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from pawl.jobs.live.cycle import Told

__all__ = ["CycleState", "LoopWatch", "Run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a cycle. seconds: how long it took, real time; late_sec: how long after it was due it began, on the
    loop's clock.

    n_missed: older due instants that it stood for. error: in words, where it failed.
    """

    cycle: str
    at: datetime
    told: Told
    seconds: float
    late_sec: float
    n_missed: int = 0
    error: str | None = None


@dataclass(slots=True)
class CycleState:
    """Of one cycle, since the process began."""

    n_runs: int = 0
    n_missed: int = 0
    n_errors: int = 0
    n_warnings: int = 0
    last_at: datetime | None = None
    late_sec: float = 0.0
    total_sec: float = 0.0
    told: Counter[str] = field(default_factory=Counter)
    is_running: bool = False


class LoopWatch:
    """Told by the driver, asked by whoever serves health and metrics, each in its own thread.

    >>> watch = LoopWatch(["signals"])
    >>> watch.begins("signals")
    >>> watch.states()["signals"].is_running
    True
    """

    def __init__(self, cycles: list[str]) -> None:
        self._states = {name: CycleState() for name in cycles}
        self._lock = threading.Lock()

    def begins(self, cycle: str) -> None:
        """A run begins."""
        with self._lock:
            self._states[cycle].is_running = True

    def ended(self, run: Run) -> None:
        """A run has ended."""
        with self._lock:
            state = self._states[run.cycle]
            state.n_runs += 1
            state.n_missed += run.n_missed
            state.n_errors += run.error is not None
            state.n_warnings += len(run.told.get("warnings", ()))
            state.last_at, state.late_sec, state.is_running = run.at, run.late_sec, False
            state.total_sec += run.seconds
            state.told.update({name: n for name, n in run.told.items() if isinstance(n, int)})

    def states(self) -> dict[str, CycleState]:
        """Cycle → its state, as it is now."""
        with self._lock:
            return {
                name: CycleState(
                    n_runs=one.n_runs,
                    n_missed=one.n_missed,
                    n_errors=one.n_errors,
                    n_warnings=one.n_warnings,
                    last_at=one.last_at,
                    late_sec=one.late_sec,
                    total_sec=one.total_sec,
                    told=Counter(one.told),
                    is_running=one.is_running,
                )
                for name, one in self._states.items()
            }
