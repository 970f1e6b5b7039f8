"""A training's effects are on record before its rest is made, and its run only behind it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from typing import Any

import pytest

from pawl.jobs.live.clock import VirtualClock
from pawl.jobs.live.cycle import Cycle
from pawl.jobs.live.cycle_runs import CycleRuns, schedule_of
from pawl.jobs.live.turn import Turn
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import LiveEntry, live_entries
from pawl.ledger.schedule_runs import newest_taken
from pawl.triggers.schedule import Daily

AT = datetime(2026, 2, 1, tzinfo=UTC)


def training(rest: Callable[[datetime], object], run: Callable[[datetime], Mapping[str, Any]]) -> Cycle:
    return Cycle(name="monthly", schedule=Daily(time(0)), run=run, is_training=True, rest=rest)


def runs_of(ledger: Ledger) -> CycleRuns:
    return CycleRuns(ledger, "x", VirtualClock(AT), Turn())


def on_record(ledger: Ledger) -> tuple[list[LiveEntry], bool]:
    """What is logged, and whether the run was made."""
    with ledger.reading() as tx:
        return live_entries(tx, "x"), bool(newest_taken(tx, [schedule_of("x", "monthly")]))


def test_the_effects_are_on_record_while_the_rest_is_made(ledger: Ledger) -> None:
    seen: list[tuple[list[LiveEntry], bool]] = []
    cycle = training(lambda at: seen.append(on_record(ledger)), lambda at: {"best": "x-1.0"})
    assert runs_of(ledger).made(cycle, AT) == ({"best": "x-1.0"}, None)
    (((entry,), has_run),) = seen
    assert (entry.kind, entry.payload["best"], has_run) == ("training", "x-1.0", False)
    assert on_record(ledger) == ([entry], True)


def test_a_rest_that_was_cut_off_is_made_with_the_run_again(ledger: Ledger) -> None:
    def dies(at: datetime) -> None:
        raise KeyboardInterrupt

    made: list[datetime] = []
    with pytest.raises(KeyboardInterrupt):
        runs_of(ledger).made(training(dies, lambda at: {"n": 1}), AT)
    before = on_record(ledger)
    assert before[1] is False
    runs_of(ledger).made(training(made.append, lambda at: {"n": 2}), AT)
    assert made == [AT] and on_record(ledger) == (before[0], True)


def test_a_rest_that_fails_is_told_of_and_the_effects_stand(ledger: Ledger) -> None:
    def fails(at: datetime) -> None:
        raise ZeroDivisionError("by zero")

    told, error = runs_of(ledger).made(training(fails, lambda at: {"n": 1}), AT)
    assert (told, error) == ({"n": 1}, "ZeroDivisionError: by zero")
    (failure, effect), has_run = on_record(ledger)
    assert has_run and (failure.kind, failure.payload) == ("cycle", {"error": "ZeroDivisionError: by zero"})
    assert effect.kind == "training" and "error" not in effect.payload


def test_a_training_that_fails_has_no_rest(ledger: Ledger) -> None:
    def fails(at: datetime) -> Mapping[str, Any]:
        raise ZeroDivisionError("by zero")

    made: list[datetime] = []
    assert runs_of(ledger).made(training(made.append, fails), AT)[1] == "ZeroDivisionError: by zero"
    assert made == [] and on_record(ledger)[1]
