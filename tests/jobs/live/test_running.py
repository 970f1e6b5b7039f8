"""One process of the loop: events after their commit, runs that end and go on."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger_world import START as LEDGER_START
from live_world import BAR, START, Ledger, Market, live_world, serve_version
from pawl.errors import InputError
from pawl.events.bus import Event
from pawl.events.event_settings import EventSettings
from pawl.events.in_process_bus import InProcessBus
from pawl.jobs.live import collecting
from pawl.jobs.live.clock import SpeedClock, VirtualClock
from pawl.jobs.live.collecting import collect
from pawl.jobs.live.composing import Parts, cycles_of, live_cycles
from pawl.jobs.live.cycle import Cycle
from pawl.jobs.live.driver import Observed
from pawl.jobs.live.running import LoopEnd, LoopOrder, Running, clock_of, drive, span_of
from pawl.jobs.live.watch import Run
from pawl.jobs.live.world import LiveWorld
from pawl.ledger.live_tables import market_data
from pawl.ledger.loop_tables import loop_outbox
from pawl.ledger.signal_tables import trading_signals
from pawl.triggers.schedule import Every

PAIRS = ("EURUSD", "USDJPY")
HOUR = timedelta(hours=1)
NOW = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def world(ledger: Ledger, tmp_path: Path) -> LiveWorld:
    """A loop over two pairs that go up and down, with a version that serves."""
    market = Market()
    for pair in PAIRS:
        market.goes_on([pair], range(-40, 0), step=0.1)
        market.goes_on([pair], range(200), step=-0.1)
    made = live_world(tmp_path, ledger, market, PAIRS)
    serve_version(made, "m002-1.0", LEDGER_START)
    return made


def order(**changes: object) -> LoopOrder:
    fields = {"role": "all", "speed": None, "length": 2 * HOUR, "start": START, "now": lambda: NOW, **changes}
    return LoopOrder(**fields)  # type: ignore[arg-type]


def lived(
    world: LiveWorld,
    how: LoopOrder,
    on_event: Callable[[Event], None] = lambda event: None,
    observed: Observed | None = None,
    extra: tuple[Cycle, ...] = (),
) -> LoopEnd:
    """Run a process to its end."""
    cycles = (*cycles_of("all", live_cycles(world, Parts())), *extra)
    span = span_of(world, how)
    clock = clock_of(world, cycles, how, span)
    settings = EventSettings(poll_sec=0.01)
    with InProcessBus(settings.backoff, lambda parked: None, 1000) as bus:
        topics = ("new_market_data", "new_prediction", "signal_outcome")
        bus.subscribe(topics, "test", on_event)
        running = Running(clock=clock, span=span, bus=bus, events=settings, observed=observed or Observed())
        return drive(world, cycles, how, running, threading.Event())


def test_rev_r4_each_cycle_publishes_its_event_after_its_commit(world: LiveWorld) -> None:
    """Whoever hears of a bar, a signal or an outcome finds it in the ledger, asked over another connection."""
    heard: list[str] = []
    missing: list[str] = []

    def look(event: Event) -> None:
        heard.append(event.topic)
        with world.ledger.reading() as tx:
            if event.topic == "new_market_data":
                opened = datetime.fromisoformat(event.payload["bar_timestamp"])
                c = market_data.c
                found = tx.execute(
                    sa.select(c.pair).where(c.pair == event.payload["pair"], c.timestamp == opened)
                ).one_or_none()
            else:
                c = trading_signals.c
                rows = tx.execute(sa.select(sa.cast(c.id, sa.Uuid), c.actual_outcome)).all()
                by_id = {str(which): outcome for which, outcome in rows}
                stands = event.payload["signal_id"] in by_id
                told = event.topic == "new_prediction" or by_id.get(event.payload["signal_id"])
                found = (stands and told) or None
        if not found:
            missing.append(event.topic)

    ended = lived(world, order(), look)
    assert missing == []
    assert {topic: heard.count(topic) for topic in set(heard)} == dict(ended.figures.events)
    assert set(heard) == {"new_market_data", "new_prediction", "signal_outcome"}
    assert ended.figures.published == len(heard)


def test_rev_r4_what_was_rolled_back_is_never_published(world: LiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the process dies here")

    monkeypatch.setattr(collecting, "log_live", fail)  # the last thing in the transaction of a collection
    with pytest.raises(RuntimeError):
        collect(world, START + BAR)
    with world.ledger.reading() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(market_data)).scalar_one() == 0
        topics = list(tx.execute(sa.select(loop_outbox.c.topic)).scalars())
    assert topics == ["training_completed"]  # of the version that serves, from before


def test_a_run_ends_and_the_next_begins_there(world: LiveWorld) -> None:
    first, second = lived(world, order()), lived(world, order(length=HOUR))
    assert (first.since, first.at, first.is_over) == (START, START + 2 * HOUR, True)
    assert (second.since, second.at) == (START + 2 * HOUR, START + 3 * HOUR)
    assert sum(first.figures.signals.values()) == 16 and sum(second.figures.signals.values()) == 8
    assert first.figures.moves == {} and first.figures.trainings == {}


def test_a_run_that_was_not_ended_goes_on_to_its_end(world: LiveWorld) -> None:
    begun = span_of(world, order())
    assert span_of(world, order()) == begun
    other = span_of(world, order(length=HOUR))  # asked for anew, it begins anew
    assert other.length == HOUR and span_of(world, order(length=HOUR)) == other


def test_processes_that_share_the_work_share_a_clock(world: LiveWorld) -> None:
    how = order(role="signals", speed=60.0, length=None)
    span = span_of(world, how)
    later = replace(how, now=lambda: NOW + timedelta(minutes=2))
    assert span_of(world, later) == span
    clocks = [clock_of(world, (), one, span_of(world, one)) for one in (later, replace(later, role="positions"))]
    assert all(isinstance(clock, SpeedClock) for clock in clocks)
    assert [clock.now() for clock in clocks] == [START + 2 * HOUR] * 2
    alone = clock_of(world, (), replace(later, role="all"), span)
    assert alone.now() == START  # one process goes on where it was, however long it was away
    assert isinstance(clock_of(world, (), order(), span), VirtualClock)


def test_what_opening_takes_is_not_missed(world: LiveWorld) -> None:
    """At this speed the second between the clock and the first cycle is an hour."""
    instants = iter([NOW, *(NOW + timedelta(seconds=1, milliseconds=5 * n) for n in range(100_000))])
    told: list[int] = []

    class Seen(Observed):
        def ended(self, run: Run) -> None:
            told.append(run.n_missed)

    lived(world, order(speed=3600.0, length=HOUR, now=lambda: next(instants)), observed=Seen())
    assert len(told) == 60 + 4 + 4 and sum(told) == 0


@pytest.mark.parametrize(("speed", "is_beside"), [(None, False), (36_000.0, True)])
def test_trainings_run_beside_a_loop_at_a_speed_and_within_one_that_is_as_fast_as_it_can(
    tmp_path: Path, sqlite_ledger: Ledger, speed: float | None, is_beside: bool
) -> None:
    world = live_world(tmp_path, sqlite_ledger, Market(), PAIRS)
    threads: list[threading.Thread] = []

    def train(at: datetime) -> dict[str, object]:
        threads.append(threading.current_thread())
        return {}

    training = Cycle(name="daily", schedule=Every(BAR), run=train, is_training=True)
    how = order(speed=speed, length=BAR, now=lambda: datetime.now(UTC))
    lived(world, how, extra=(training,))
    assert [one is not threading.current_thread() for one in threads] == [is_beside]


def test_real_data_cannot_come_faster(world: LiveWorld) -> None:
    with pytest.raises(InputError, match="cannot come faster"):
        span_of(world, order(start=None))
