"""The engine: once under a key, to the end although processes die, again after a failure, and given up in the end."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger_world import address
from pawl.errors import RefusalError, StorageError
from pawl.jobs.durable import Durable, EngineSettings, new_executor_id
from pawl.jobs.durable_workflow import Json, Steps, Workflow
from pawl.jobs.worker_role import parking
from pawl.ledger.backoff import Backoff
from pawl.ledger.database import Ledger
from pawl.ledger.dead_letters import list_letters
from pawl.ledger.heartbeats import dead_executors
from pawl.ledger.service_tables import worker_heartbeats

SETTINGS = EngineSettings(
    poll_sec=0.05,
    dead_after=timedelta(seconds=30),
    grace=timedelta(seconds=5),
    backoff=Backoff(max_attempts=3, base_sec=0.1, max_sec=1.0),
)

Act = Callable[[], Json]


def now() -> datetime:
    return datetime.now(UTC)


def workflow(act: Act) -> Workflow:
    def run(steps: Steps, argument: Mapping[str, Json]) -> Json:
        return steps("act", act)

    return Workflow(name="try", run=run, give_up=parking("try", "item"))


def drain(engine: Durable) -> None:
    until = time.monotonic() + 30
    while engine.count_unfinished() and time.monotonic() < until:
        time.sleep(0.02)
    assert engine.count_unfinished() == 0


@pytest.fixture
def started(ledger: Ledger, tmp_path: Path) -> Iterator[Callable[[Act], Durable]]:
    engines: list[Durable] = []

    def start(act: Act) -> Durable:
        engine = Durable(ledger, tmp_path, [workflow(act)], SETTINGS, now)
        engine.__enter__()
        engines.append(engine)
        return engine

    yield start
    for engine in engines:
        engine.__exit__(None, None, None)


def test_what_is_enqueued_twice_under_a_key_runs_once(started: Callable[[Act], Durable]) -> None:
    ran: list[float] = []
    engine = started(lambda: ran.append(time.monotonic()))
    assert engine.status("try", "a") is None
    assert engine.enqueue("try", "a", {"item": 1})
    assert not engine.enqueue("try", "a", {"item": 1})
    drain(engine)
    assert not engine.enqueue("try", "a", {"item": 1}), "nor after it has ended"
    assert engine.status("try", "a") == "done"
    assert len(ran) == 1


def test_what_fails_is_tried_again_later_and_later_and_given_up(
    started: Callable[[Act], Durable], ledger: Ledger
) -> None:
    ran: list[float] = []

    def fails() -> None:
        ran.append(time.monotonic())
        raise StorageError("the disk is full", where="here", fix="free some space")

    engine = started(fails)
    engine.enqueue("try", "a", {"item": "x"})
    drain(engine)
    assert len(ran) == 3
    assert 0.1 <= ran[1] - ran[0]
    assert 0.2 <= ran[2] - ran[1]
    with ledger.reading() as tx:
        (letter,) = list_letters(tx)
    assert (letter.worker, letter.item_id, letter.attempts) == ("try", "x", 3)
    assert letter.error.startswith("the disk is full")


def test_a_refusal_is_given_up_at_once(started: Callable[[Act], Durable], ledger: Ledger) -> None:
    def refuses() -> None:
        raise RefusalError("no", where="here", fix="nothing")

    engine = started(refuses)
    engine.enqueue("try", "a", {"item": "x"})
    drain(engine)
    with ledger.reading() as tx:
        assert [one.attempts for one in list_letters(tx)] == [1]


def test_a_process_that_ends_well_is_heard_of_no_more(ledger: Ledger, tmp_path: Path) -> None:
    with Durable(ledger, tmp_path, [workflow(lambda: None)], SETTINGS, now) as engine, ledger.reading() as tx:
        assert dead_executors(tx, now(), SETTINGS.dead_after) == []
    with ledger.reading() as tx:
        assert dead_executors(tx, now(), SETTINGS.dead_after) == [engine.executor_id]


def test_no_two_processes_have_one_name() -> None:
    assert len({new_executor_id() for _ in range(100)}) == 100


DEADLY = """
import os, signal, sys, time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from pawl.jobs.durable import Durable
from pawl.ledger.database import Ledger
from test_durable import SETTINGS, workflow

from dataclasses import replace
ledger = Ledger(sys.argv[1])
settings = replace(SETTINGS, dead_after=timedelta(seconds=0.01))
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
with Durable(ledger, Path(sys.argv[2]), [workflow(die)], settings, lambda: datetime.now(UTC)) as engine:
    time.sleep(0.05)
    engine.take_over(datetime.now(UTC))
    engine.enqueue("try", "a", {"item": "x"})
    until = time.monotonic() + 30
    while engine.count_unfinished() and time.monotonic() < until:
        time.sleep(0.02)
"""


def test_a_process_that_nobody_has_on_a_list_is_taken_over_all_the_same(
    started: Callable[[Act], Durable], ledger: Ledger, tmp_path: Path
) -> None:
    """It was taken for dead, was not, took up more, and died before its next heartbeat."""
    command, environment = deadly(ledger, tmp_path)
    assert subprocess.run(command, env=environment, check=False, timeout=60).returncode == -9
    with ledger.transaction() as tx:
        tx.execute(sa.delete(worker_heartbeats))
    ran: list[int] = []
    engine = started(lambda: ran.append(1))
    assert engine.take_over(now()) == 1
    drain(engine)
    assert ran == [1]


def deadly(ledger: Ledger, home: Path) -> tuple[list[str], dict[str, str]]:
    """A process that enqueues what kills it, and takes over from the dead at once."""
    paths = [str(Path(__file__).parent), *(path for path in sys.path if path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return [sys.executable, "-c", DEADLY, address(ledger), str(home)], environment


def test_what_kills_its_process_every_time_is_given_up(ledger: Ledger, tmp_path: Path) -> None:
    command, environment = deadly(ledger, tmp_path)
    codes = [subprocess.run(command, env=environment, check=False, timeout=60).returncode for _ in range(4)]
    assert codes == [-9, -9, -9, 0]
    with ledger.reading() as tx:
        (letter,) = list_letters(tx)
    assert (letter.worker, letter.item_id, letter.attempts) == ("try", "x", 3)
    assert letter.error == "its process died each time it was tried"
