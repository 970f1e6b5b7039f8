"""Runs pass the gate together, an act alone, and nobody waits for ever."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from pawl.errors import StorageError
from pawl.jobs.live.run_gate import RunGate, between_runs
from pawl.ledger.database import Ledger


@contextmanager
def opened(ledger: Ledger, learner: str = "x") -> Iterator[RunGate]:
    gate = RunGate(ledger, learner)
    try:
        yield gate
    finally:
        gate.close()


def acting(ledger: Ledger, done: list[str], learner: str = "x") -> threading.Thread:
    """An act in a thread of its own."""

    def act() -> None:
        with between_runs(ledger, learner):
            done.append("act")

    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    return thread


def test_an_act_waits_for_the_runs_of_every_role_and_of_no_other_learner(ledger: Ledger) -> None:
    done: list[str] = []
    with opened(ledger) as collector, opened(ledger) as signals, opened(ledger, "y") as other:
        for gate in (collector, signals, other):
            gate.enter()
        thread = acting(ledger, done)
        collector.leave()
        thread.join(0.3)
        assert done == []
        signals.leave()
        thread.join(10)
        assert done == ["act"]
        other.leave()


def test_a_run_waits_for_an_act_and_a_loop_that_never_rests_lets_it_in(ledger: Ledger) -> None:
    done: list[str] = []
    with opened(ledger) as gate:
        with between_runs(ledger, "x"):
            run = threading.Thread(target=gate.enter, daemon=True)
            run.start()
            run.join(0.3)
            assert run.is_alive()
        run.join(10)
        gate.leave()
        gate.enter()
        thread = acting(ledger, done)
        began = time.monotonic()
        while not done:
            gate.leave()
            gate.enter()
            assert time.monotonic() - began < 10
        gate.leave()
        thread.join(10)


def test_what_ends_without_a_word_lets_go(ledger: Ledger) -> None:
    gate = RunGate(ledger, "x")
    gate.enter()
    gate.close()
    with between_runs(ledger, "x"):
        pass
    with opened(ledger) as again:
        again.enter()
        again.leave()
        again.leave()  # twice is once


def test_a_database_that_has_gone_is_said_and_asked_again(postgresql_ledger: Ledger) -> None:
    with opened(postgresql_ledger) as gate:
        gate.enter()
        with postgresql_ledger.transaction() as tx:
            others = "pid <> pg_backend_pid() AND datname = current_database()"
            tx.execute(sa.text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
        gate.leave()
        gate.enter()  # over a new connection
        with postgresql_ledger.transaction() as tx:
            tx.execute(sa.text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
        with pytest.raises(StorageError, match="does not answer"):
            gate.enter()
        gate.enter()
        gate.leave()


def test_a_ledger_in_memory_has_one_process_and_needs_none() -> None:
    ledger = Ledger("sqlite://")
    with opened(ledger) as gate:
        gate.enter()
        with between_runs(ledger, "x"):
            gate.leave()
    ledger.close()
