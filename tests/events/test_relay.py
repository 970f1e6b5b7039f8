"""The relay: what is committed is published, in order, and marked; what is not is never seen on the bus."""

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from ledger_world import START, day
from loop_events import alert, alias_move, bars, outcome, prediction, report, training
from pawl.events import relay as relay_module
from pawl.events.bus import Event
from pawl.events.event_settings import EventSettings
from pawl.events.in_process_bus import InProcessBus
from pawl.events.relay import Relay
from pawl.jobs.parked import retry_letter
from pawl.ledger.database import Ledger
from pawl.ledger.dead_letters import list_letters, mark_retried, park
from pawl.ledger.loop_outbox import announce, forget_published, mark_published, publishing_turn
from pawl.ledger.loop_payloads import LoopPayload
from pawl.ledger.loop_tables import TOPICS, loop_outbox
from redis_world import until
from relay_world import SETTINGS, Recorder, now, tell, waiting

SLOW = EventSettings(poll_sec=60)


class Forgetful(Recorder):
    """Publishes on a bus, and has settled nothing: what a relay sees that dies before it marks."""

    def __init__(self, bus: InProcessBus) -> None:
        super().__init__()
        self.bus, self.forgets = bus, True

    def publish(self, events: Sequence[Event]) -> None:
        self.bus.publish(events)


@pytest.fixture
def bus() -> Recorder:
    return Recorder()


@pytest.fixture
def in_process() -> Iterator[InProcessBus]:
    with InProcessBus(SETTINGS.backoff, lambda _: None, 100) as opened:
        yield opened


EVERY = (bars(1), prediction(1), outcome(1), training(1), alert(1), report(1), alias_move(1))


@pytest.mark.parametrize("payload", EVERY, ids=TOPICS)
def test_rev_r4_an_event_is_published_after_the_commit_and_never_before(
    ledger: Ledger, bus: Recorder, payload: LoopPayload
) -> None:
    with Relay(ledger, bus, SETTINGS, now) as relay:
        with ledger.transaction() as tx:
            announce(tx, payload, day(1), "trace")
            for _ in range(5):
                relay.wake()
                time.sleep(0.02)
            assert bus.events == []
        relay.wake()
        until(lambda: bool(bus.events))
    (event,) = bus.events
    assert (event.event_id, event.topic, event.at, event.trace_id) == (payload.event_id, payload.topic, day(1), "trace")
    assert event.payload == payload.model_dump(mode="json")
    assert waiting(ledger) == []


def test_rev_r4_a_transaction_that_is_rolled_back_publishes_nothing(ledger: Ledger, bus: Recorder) -> None:
    with Relay(ledger, bus, SETTINGS, now) as relay:
        for number in range(5):
            with pytest.raises(RuntimeError), ledger.transaction() as tx:
                announce(tx, bars(number), START)
                relay.wake()
                raise RuntimeError
            relay.wake()
        tell(ledger, bars(9))
        relay.wake()
        until(lambda: bool(bus.events))
    assert [one.event_id for one in bus.events] == [bars(9).event_id]


def test_events_are_published_in_the_order_of_writing_in_portions(ledger: Ledger, bus: Recorder) -> None:
    told = [bars(number) for number in range(25)]
    for one in told:
        tell(ledger, one)
    relay = Relay(ledger, bus, EventSettings(batch_size=10), now)
    assert [relay.step() for _ in range(4)] == [20, 20, 10, 0]
    assert [one.event_id for one in bus.events] == [one.event_id for one in told]
    with ledger.reading() as tx:
        assert set(tx.execute(sa.select(loop_outbox.c.published_at)).scalars()) == {day(5)}


def test_a_wake_is_heeded_at_once_and_without_one_the_relay_looks_by_itself(ledger: Ledger, bus: Recorder) -> None:
    with Relay(ledger, bus, SLOW, now) as relay:
        time.sleep(0.1)
        tell(ledger, bars(1))
        relay.wake()
        until(lambda: len(bus.events) == 1)
    with Relay(ledger, bus, SETTINGS, now):
        time.sleep(0.1)
        tell(ledger, bars(2))
        until(lambda: len(bus.events) == 2)


def test_what_is_committed_at_the_end_of_an_idle_look_is_not_slept_over(ledger: Ledger, bus: Recorder) -> None:
    """The wake that comes before the relay goes to sleep keeps it awake."""

    class Late(Relay):
        is_told = False

        def step(self) -> int:
            moved = super().step()
            if not self.is_told:
                self.is_told = True
                tell(ledger, bars(1))
                self.wake()
            return moved

    with Late(ledger, bus, SLOW, now):
        until(lambda: len(bus.events) == 1)


def test_while_there_is_more_the_relay_does_not_wait(sqlite_ledger: Ledger, bus: Recorder) -> None:
    """Asked to look once a minute, it tells portion after portion, and then looks no more."""
    looks: list[int] = []

    class Counted(Relay):
        def step(self) -> int:
            looks.append(super().step())
            return looks[-1]

    tell(sqlite_ledger, *(bars(number) for number in range(4)))
    with Counted(sqlite_ledger, bus, SLOW.model_copy(update={"batch_size": 1}), now) as relay:
        until(lambda: looks[-1:] == [0], 5)
        time.sleep(0.05)
        assert looks == [2, 2, 2, 2, 0]
        relay.wake()  # once
        until(lambda: len(looks) > 5, 5)
        time.sleep(0.05)
    assert looks == [2, 2, 2, 2, 0, 0]


def test_a_relay_that_dies_before_it_marks_publishes_again_and_a_group_deals_with_it_once(
    ledger: Ledger, in_process: InProcessBus
) -> None:
    seen: list[Event] = []
    in_process.subscribe(TOPICS, "group", seen.append)
    tell(ledger, bars(1), bars(2))
    Relay(ledger, Forgetful(in_process), SETTINGS, now).step()
    assert len(waiting(ledger)) == 2
    assert in_process.wait_idle(10)
    relay = Relay(ledger, in_process, SETTINGS, now)
    relay.step()
    assert in_process.wait_idle(10)
    relay.step()
    assert waiting(ledger) == []
    assert [one.event_id for one in seen] == [bars(1).event_id, bars(2).event_id]


def test_an_event_is_marked_only_when_the_bus_has_settled_it(ledger: Ledger, in_process: InProcessBus) -> None:
    gate = threading.Event()
    in_process.subscribe(TOPICS, "slow", lambda _: gate.wait(10) and None)
    tell(ledger, bars(1), bars(2))
    relay = Relay(ledger, in_process, SETTINGS, now)
    assert [relay.step(), relay.step()] == [2, 0]  # published once, however often it looks
    assert len(waiting(ledger)) == 2
    gate.set()
    assert in_process.wait_idle(10)
    assert relay.step() == 2
    assert waiting(ledger) == []


def test_of_several_only_those_that_are_settled_are_marked(sqlite_ledger: Ledger, in_process: InProcessBus) -> None:
    """The one that a group is still at would be lost with the process, if the others took it along."""
    gate = threading.Event()
    in_process.subscribe(
        TOPICS, "group", lambda one: gate.wait(10) and None if one.payload["pair"] == "USDJPY" else None
    )
    tell(sqlite_ledger, bars(1), bars(2, "USDJPY"), bars(3))
    relay = Relay(sqlite_ledger, in_process, SETTINGS, now)
    relay.step()
    until(lambda: in_process.settled([bars(1).event_id]) != set())
    relay.step()
    assert [one for one, _ in waiting(sqlite_ledger)] == [bars(2, "USDJPY").event_id, bars(3).event_id]
    gate.set()
    assert in_process.wait_idle(10)
    assert relay.step() == 2
    assert waiting(sqlite_ledger) == []


def test_no_more_is_on_its_way_than_the_settings_allow(ledger: Ledger, bus: Recorder) -> None:
    bus.forgets = True
    tell(ledger, *(bars(number) for number in range(10)))
    relay = Relay(ledger, bus, EventSettings(batch_size=3, max_open=4), now)
    assert [relay.step() for _ in range(3)] == [3, 1, 0]
    bus.forgets = False
    assert [relay.step() for _ in range(3)] == [10, 6, 0]
    assert len(bus.events) == 10


def test_one_relay_publishes_at_a_time_on_postgresql(postgresql_ledger: Ledger, bus: Recorder) -> None:
    """And removes what is old: who has no turn does neither."""
    published(postgresql_ledger, [2], day(1))
    tell(postgresql_ledger, bars(1))
    relay = Relay(postgresql_ledger, bus, SETTINGS, now)
    forgetful = Relay(postgresql_ledger, bus, SETTINGS, lambda: day(2) + timedelta(days=30))
    with publishing_turn(postgresql_ledger) as is_ours:
        assert is_ours
        assert relay.step() == 0
        assert forgetful.forget() == 0
    assert bus.events == []
    assert relay.step() == 2
    assert forgetful.forget() == 1


def written(ledger: Ledger) -> list[UUID]:
    """Every event that the outbox keeps."""
    with ledger.reading() as tx:
        return list(tx.execute(sa.select(loop_outbox.c.event_id).order_by(loop_outbox.c.number)).scalars())


def published(ledger: Ledger, numbers: Sequence[int], at: datetime) -> list[UUID]:
    """Events that were told and published at an instant."""
    told = [bars(number) for number in numbers]
    with ledger.transaction() as tx:
        for one in told:
            announce(tx, one, at)
        mark_published(tx, {one.event_id: 0 for one in told}, at)
    return [one.event_id for one in told]


def test_what_was_published_long_ago_is_removed_in_pieces_and_nothing_else(
    ledger: Ledger, bus: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not what waits, however old it is, nor what was parked: its letter may be let go, and then publishes it again."""
    monkeypatch.setattr(relay_module, "PIECE", 4)
    tell(ledger, alert(1))  # waits since the first day
    old = published(ledger, range(11), day(1))
    young = published(ledger, range(20, 23), day(3))
    with ledger.transaction() as tx:
        park(tx, "events/notices", str(old[2]), "no answer", 5, day(1))
        park(tx, "events/notices", str(old[4]), "no answer", 5, day(1))
        (letter,) = [one for one in list_letters(tx) if one.item_id == str(old[4])]
        mark_retried(tx, letter.letter_id, day(2))  # was let go, and published again: nobody needs it
    at = [day(2) + timedelta(days=30)]
    relay = Relay(ledger, bus, SETTINGS, lambda: at[0])
    assert [relay.forget() for _ in range(4)] == [4, 4, 2, 0]
    assert written(ledger) == [alert(1).event_id, old[2], *young]
    at[0] += timedelta(minutes=59)
    published(ledger, [30], day(1))
    assert relay.forget() == 0  # it looks once an hour where there was nothing more
    at[0] += timedelta(minutes=1)
    assert relay.forget() == 1
    with ledger.transaction() as tx:
        (letter,) = list_letters(tx, "parked")
        retry_letter(tx, letter.letter_id, at[0])
    assert relay.step() == 4  # the one that waited and the one let go, told and marked
    assert {one.event_id for one in bus.events} == {alert(1).event_id, old[2]}


def test_a_relay_that_runs_forgets_while_it_has_nothing_to_tell(ledger: Ledger, bus: Recorder) -> None:
    published(ledger, range(1200), day(1))
    with Relay(ledger, bus, SETTINGS, lambda: day(1) + timedelta(days=31)) as relay:
        tell(ledger, alert(2))
        relay.wake()
        until(lambda: bool(bus.events) and written(ledger) == [alert(2).event_id])
    assert [one.event_id for one in bus.events] == [alert(2).event_id]


def test_a_ledger_in_which_nothing_is_old_is_not_searched(sqlite_ledger: Ledger, bus: Recorder) -> None:
    """A row is read for each that may go and for each that is parked, of however many there are."""
    published(sqlite_ledger, range(3000), day(5))
    read: list[str] = []
    with sqlite_ledger.transaction() as tx:
        sa.event.listen(tx, "before_cursor_execute", lambda *args: read.append(args[2]))
        assert forget_published(tx, day(5), 500) == 0
        (statement,) = read
        assert "LIMIT" in statement
        plan = tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", (500, 0)).all()
    assert "TEMP B-TREE" not in str(plan)
