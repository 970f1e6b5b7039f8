"""One process of a live loop, from its first instant to its last: its clock, its lease, its driver and its bus."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from pawl.errors import InputError
from pawl.events.bus import Bus
from pawl.events.event_settings import EventSettings
from pawl.events.relay import Relay
from pawl.jobs.live.clock import Clock, RealClock, SpeedClock, VirtualClock
from pawl.jobs.live.composing import ROLES
from pawl.jobs.live.cycle import Cycle
from pawl.jobs.live.cycle_runs import schedule_of
from pawl.jobs.live.driver import Driver, Observed, Rules
from pawl.jobs.live.figures import SpanFigures, span_figures
from pawl.jobs.live.journal import Span, begin_span, end_span, open_span
from pawl.jobs.live.lease import Lease
from pawl.jobs.live.skipped_runs import Skips
from pawl.jobs.live.turn import Turn
from pawl.jobs.live.world import LiveWorld
from pawl.ledger.loop_outbox import unpublished
from pawl.ledger.schedule_runs import newest_taken

__all__ = ["LoopEnd", "LoopOrder", "Running", "clock_of", "drive", "span_of"]

DRAIN_SEC = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopOrder:
    """How a loop is run. role: which cycles this process runs. speed: 1 is real time, None as fast as the work allows.

    length: how long, in the loop's own time; None for ever. start: of a run on its own time, before the first of all;
    None for the time of day. now: the time of day. settings: a hash of all that is set.
    """

    role: str
    speed: float | None
    length: timedelta | None
    start: datetime | None
    now: Callable[[], datetime]
    settings: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopEnd:
    """Where a process ended. at: the loop's time. is_over: the run came to its end, and was not stopped before."""

    since: datetime
    at: datetime
    is_over: bool
    is_training_left: bool
    figures: SpanFigures


def span_of(world: LiveWorld, order: LoopOrder) -> Span:
    """The run that goes on here: one that was begun and not ended, with the same length and speed, or a new one."""
    if order.speed is None and order.start is None:
        raise InputError("real data cannot come faster", where="--speed", fix="leave --speed out, or --data simulated")
    now = order.now()
    names = [schedule_of(world.name, one) for one in ROLES["all"]]
    with world.ledger.transaction() as tx:
        standing = open_span(tx, world.name)
        if standing is not None and (standing.length, standing.speed) == (order.length, order.speed):
            return standing
        fresh = Span(
            since=order.start or now, length=order.length, speed=order.speed, began=now, chosen=_chosen(world, order)
        )
        return begin_span(tx, world.name, names, fresh)


def _chosen(world: LiveWorld, order: LoopOrder) -> dict[str, object]:
    """What a run follows from, beside what it receives."""
    return {
        "tickers": list(world.tickers),
        "seed": world.seed,
        "source": world.source.name,
        "is_simulated": world.calendar is not None,
        "settings": order.settings,
    }


def clock_of(world: LiveWorld, cycles: tuple[Cycle, ...], order: LoopOrder, span: Span) -> Clock:
    """The clock of a process. On its own time a loop goes on where it was; processes that share one share its time."""
    if order.start is None:
        return RealClock(order.now)
    names = [schedule_of(world.name, one.name) for one in cycles]
    with world.ledger.reading() as tx:
        reached = max([span.since, *newest_taken(tx, names).values()])
    if order.speed is None:
        return VirtualClock(reached)
    if order.role == "all":
        return SpeedClock(start=reached, speed=order.speed, now=order.now)
    return SpeedClock(start=span.since, speed=order.speed, now=order.now, began=span.began)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What a process runs with. turn: that its trainings take. skips: runs to leave out, of a run that is played."""

    clock: Clock
    span: Span
    bus: Bus
    events: EventSettings
    observed: Observed
    turn: Turn = field(default_factory=Turn)
    skips: Skips = field(default_factory=dict)


def drive(
    world: LiveWorld,
    cycles: tuple[Cycle, ...],
    order: LoopOrder,
    running: Running,
    stopped: threading.Event,
) -> LoopEnd:
    """Run the cycles of a role until the end of the run, or until stopped; events go over the bus meanwhile."""
    rules = Rules(
        learner=world.name,
        beside=order.speed is not None,
        gap=timedelta(seconds=world.settings.gap_sec) * (order.speed or 1.0),
        grace_sec=world.settings.grace_sec,
        turn=running.turn,
        skips=running.skips,
    )
    clock, span = running.clock, running.span
    relay = Relay(world.ledger, running.bus, running.events, clock.now)
    with relay, Lease(world.ledger, world.workspace.home, f"live {world.name} {order.role}") as lease:
        is_training_left = False
        if isinstance(clock, SpeedClock) and order.role == "all":
            clock.begin()  # opening everything took seconds, which at this speed are hours
        if cycles:
            driver = Driver(world.ledger, lease, cycles, clock, rules, running.observed)
            driver.run(span.since, span.until, stopped)
            is_training_left = driver.is_training_left
        else:
            _wait(clock, span.until, stopped)
        is_over = not stopped.is_set()
        relay.wake()
        if is_over:
            _drain(relay, world)
    at = span.until if is_over and span.until is not None else clock.now()
    if is_over and cycles:
        with world.ledger.transaction() as tx:
            end_span(tx, world.name, at)
    with world.ledger.reading() as tx:
        figures = span_figures(tx, world.name, span.since, at)
    return LoopEnd(since=span.since, at=at, is_over=is_over, is_training_left=is_training_left, figures=figures)


def _wait(clock: Clock, until: datetime | None, stopped: threading.Event) -> None:
    if until is None:
        stopped.wait()
    else:
        clock.wait_until(until, stopped)


def _drain(relay: Relay, world: LiveWorld) -> None:
    """Give what was announced last the time to be published."""
    began, pause = monotonic(), threading.Event()
    while monotonic() - began < DRAIN_SEC:
        with world.ledger.reading() as tx:
            if not unpublished(tx, 1):
                return
        relay.wake()
        pause.wait(0.02)
