"""One run of a cycle, from its beginning to what stands of it: made under the turn, and written down as it was told."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from pawl.errors import StorageError
from pawl.jobs.live.clock import Clock
from pawl.jobs.live.cycle import Cycle, Told
from pawl.jobs.live.loop_place import place_reached
from pawl.jobs.live.turn import Turn
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import LiveEntry, log_live
from pawl.ledger.schedule_runs import forget_before, take_up
from pawl.triggers.schedule import Every

__all__ = ["KEPT", "CycleRuns", "schedule_of"]

KEPT = timedelta(days=2)
"""How long back runs of frequent cycles stay on record; only the newest is ever asked for."""


class CycleRuns:
    """Makes runs, and writes them down. turn: of the loop's process, which its trainings share."""

    def __init__(self, ledger: Ledger, learner: str, clock: Clock, turn: Turn) -> None:
        self._ledger, self._learner, self._clock, self._turn = ledger, learner, clock, turn
        self._n_runs = 0

    def made(self, cycle: Cycle, at: datetime, n_missed: int = 0) -> tuple[Told, str | None]:
        """Run a cycle for an instant: what it told, and why it failed. StorageError where no ledger answers."""
        if cycle.is_training:
            return self._training(cycle, at, n_missed)
        with self._turn.of_the_loop():
            told, error = _asked(cycle.run, at)
            self._write(cycle, at, _payload(told, error, n_missed))
        return told, error

    def _training(self, cycle: Cycle, at: datetime, n_missed: int) -> tuple[Told, str | None]:
        """A training reads what stands when it begins, and takes effect, whole, when it takes the turn. It has run when
        its rest is made: until then a process that dies leaves it to the next one, its effects on record.
        """
        with self._ledger.reading() as tx:
            began = place_reached(tx, self._learner, at)
        try:
            told, error = _asked(cycle.run, at)
            self._turn.take()
            payload = {**_payload(told, error, n_missed), "began_behind": began.payload}
            rest = None if error else cycle.rest
            self._write(cycle, at, payload, has_run=rest is None)
        finally:
            self._turn.end()
        if rest is not None:
            _, error = _asked(rest, at)
            with self._ledger.transaction() as tx:
                take_up(tx, schedule_of(self._learner, cycle.name), at, at)
                if error:
                    self._log(tx, "cycle", cycle, at, {"error": error})
        return told, error

    def _write(self, cycle: Cycle, at: datetime, payload: dict[str, Any], *, has_run: bool = True) -> None:
        with self._ledger.transaction() as tx:
            self._record(tx, cycle, at, payload, has_run=has_run)

    def _record(self, tx: sa.Connection, cycle: Cycle, at: datetime, payload: dict[str, Any], *, has_run: bool) -> None:
        name = schedule_of(self._learner, cycle.name)
        if cycle.is_training:
            payload["took_effect_at"] = self._clock.now().isoformat()
            payload["took_effect_behind"] = place_reached(tx, self._learner, at).payload
        if has_run:
            take_up(tx, name, at, at)
        self._n_runs += 1
        if isinstance(cycle.schedule, Every) and self._n_runs % 100 == 0:
            forget_before(tx, name, at - KEPT)
        if payload:  # a minute in which nothing happened needs no row for ever
            self._log(tx, "training" if cycle.is_training else "cycle", cycle, at, payload)

    def _log(self, tx: sa.Connection, kind: str, cycle: Cycle, at: datetime, payload: dict[str, Any]) -> None:
        log_live(tx, [LiveEntry(learner=self._learner, at=at, kind=kind, name=cycle.name, payload=payload)])


def schedule_of(learner: str, cycle: str) -> str:
    """The name under which runs of a cycle stand in `schedule_runs`.

    >>> schedule_of("reversal", "positions")
    'live reversal positions'
    """
    return f"live {learner} {cycle}"


def _asked(run: Callable[[datetime], Any], at: datetime) -> tuple[Any, str | None]:
    try:
        return run(at), None
    except StorageError:
        raise
    except Exception as failure:  # noqa: BLE001 - a worker's outer loop: a cycle that fails does not end the others
        return {}, f"{type(failure).__name__}: {failure}"


def _payload(told: Told, error: str | None, n_missed: int) -> dict[str, Any]:
    return {**told, **({"error": error} if error else {}), **({"missed": n_missed} if n_missed else {})}
