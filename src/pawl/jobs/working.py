"""Working: looking for what there is to do and having it done, until told to stop."""

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from pawl.errors import StorageError
from pawl.jobs.durable import Durable, EngineSettings
from pawl.jobs.durable_workflow import NO_OBSERVER, Observer
from pawl.jobs.worker_role import Role, World

__all__ = ["Until", "Worked", "work"]

QUEUE_SEC = 0.1
"""Queues are asked this often at least: what was enqueued should not wait for the next look at the ledger."""
BEATS_PER_LIFE = 4
BUSY_SEC = 0.02


class Until(Enum):
    """When a worker ends by itself. ONCE: when what one look found is done. IDLE: when nothing is left, nothing that
    waits for its next try either.
    """

    STOPPED = "stopped"
    ONCE = "once"
    IDLE = "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What a worker did. n_enqueued: worker → workflows that it was the first to enqueue. n_taken_over: of the dead."""

    executor_id: str
    n_enqueued: Mapping[str, int]
    n_taken_over: int


@dataclass(slots=True)
class _Tally:
    enqueued: dict[str, int] = field(default_factory=dict)
    n_taken_over: int = 0


def work(
    world: World, roles: Sequence[Role], until: Until, stop: threading.Event, observe: Observer = NO_OBSERVER
) -> Worked:
    """Work in these roles until `stop` is set, or earlier as `until` says.

    StorageError when the ledger does not answer at the start; later the worker waits for it to answer again.
    """
    settings = world.settings
    engine = EngineSettings(
        poll_sec=min(settings.poll_sec, QUEUE_SEC),
        dead_after=timedelta(seconds=settings.dead_after_sec),
        grace=timedelta(seconds=settings.grace_sec),
        backoff=settings.backoff,
    )
    durable = Durable(world.ledger, world.workspace.home, [one.workflow for one in roles], engine, world.now, observe)
    tally = _Tally(enqueued={one.workflow.name: 0 for one in roles})
    with durable, _beating(durable, world):
        while not stop.is_set():
            # What ended before this look, the look sees: so nothing unfinished before it and nothing new is idle.
            n_unfinished = durable.count_unfinished()
            n_new = _look(durable, roles, world, tally)
            if until is Until.ONCE:
                _wait_until_done(durable, stop)
                break
            if until is Until.IDLE and n_unfinished == n_new == 0 and not any(one.count_waiting() for one in roles):
                break
            stop.wait(BUSY_SEC if n_new else settings.poll_sec)
    return Worked(executor_id=durable.executor_id, n_enqueued=tally.enqueued, n_taken_over=tally.n_taken_over)


def _look(durable: Durable, roles: Sequence[Role], world: World, tally: _Tally) -> int:
    """Enqueue what there is to do; how much is new."""
    n_new, now = 0, world.now()
    try:
        tally.n_taken_over += durable.take_over(now)
        for role in roles:
            n_of_role = role.poll(durable, now)
            tally.enqueued[role.workflow.name] += n_of_role
            n_new += n_of_role
    except StorageError as error:  # another writes, or the database is away: the next look may find it again
        sys.stderr.write(f"{error}\n")
    return n_new


def _wait_until_done(durable: Durable, stop: threading.Event) -> None:
    while not stop.is_set() and durable.count_unfinished():
        stop.wait(BUSY_SEC)


@contextmanager
def _beating(durable: Durable, world: World) -> Iterator[None]:
    """Heartbeats from a thread of their own, so that a long training does not look like death."""
    is_over = threading.Event()

    def run() -> None:
        while not is_over.wait(world.settings.dead_after_sec / BEATS_PER_LIFE):
            try:
                durable.beat(world.now())
            except StorageError as error:
                sys.stderr.write(f"{error}\n")

    thread = threading.Thread(target=run, name="pawl-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
