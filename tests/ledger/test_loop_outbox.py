"""Events of the loop: announced with the change that they tell of, in order, once."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger_world import START, address, day, run_together
from loop_events import bars, outcome, prediction, training
from pawl.ledger.database import Ledger
from pawl.ledger.heartbeats import beat, known_executors
from pawl.ledger.loop_outbox import announce, mark_published, note_failure, unpublished
from pawl.ledger.loop_tables import loop_outbox

ANNOUNCE = """
import sys
from ledger_world import START
from loop_events import training
from pawl.ledger.database import Ledger
from pawl.ledger.loop_outbox import announce
ledger = Ledger(sys.argv[1])
for number in range(20):
    with ledger.transaction() as tx:
        announce(tx, training(number), START)
"""


def test_an_announced_event_waits_with_all_it_says(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        event_id = announce(tx, prediction(1), day(2), trace_id="trace")
    with ledger.reading() as tx:
        (event,) = unpublished(tx, 10)
    assert event.event_id == event_id == prediction(1).event_id
    assert (event.topic, event.at, event.trace_id, event.attempts) == ("new_prediction", day(2), "trace", 0)
    assert event.payload == prediction(1).model_dump(mode="json")


def test_rev_r4_a_transaction_that_is_rolled_back_announces_nothing(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError, match="too late"), ledger.transaction() as tx:
        beat(tx, "one", START)
        announce(tx, bars(1), START)
        raise RuntimeError("too late")
    with ledger.reading() as tx:
        assert unpublished(tx, 10) == []
        assert known_executors(tx) == []


def test_rev_r4_nobody_sees_an_event_before_its_transaction_is_committed(ledger: Ledger) -> None:
    announced, seen = threading.Event(), threading.Event()
    found: list[int] = []

    def look() -> None:
        announced.wait(10)
        with ledger.reading() as tx:
            found.append(len(unpublished(tx, 10)))
        seen.set()

    looker = threading.Thread(target=look)
    looker.start()
    with ledger.transaction() as tx:
        announce(tx, bars(1), START)
        announced.set()
        assert seen.wait(10)
    looker.join()
    with ledger.reading() as tx:
        found.append(len(unpublished(tx, 10)))
    assert found == [0, 1]


def test_events_wait_in_the_order_of_writing_whatever_their_times(ledger: Ledger) -> None:
    told = [training(1), bars(9), bars(3), prediction(2), outcome(1)]
    for number, payload in enumerate(told):
        with ledger.transaction() as tx:
            announce(tx, payload, day(-number))
    with ledger.reading() as tx:
        assert [one.event_id for one in unpublished(tx, 10)] == [one.event_id for one in told]
        assert [one.event_id for one in unpublished(tx, 2)] == [one.event_id for one in told[:2]]


def test_rev_r46_a_step_that_is_repeated_announces_once(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        first = announce(tx, training(1), START)
        assert announce(tx, training(1), day(1)) == first
    with ledger.transaction() as tx:
        assert announce(tx, training(1), day(2), trace_id="later") == first
        assert [(one.at, one.trace_id) for one in unpublished(tx, 10)] == [(START, None)]
        mark_published(tx, {first: 0}, day(3))
    with ledger.transaction() as tx:
        announce(tx, training(1), day(4))
        assert unpublished(tx, 10) == []


def test_rev_r46_processes_that_announce_the_same_trainings_announce_each_once(ledger: Ledger, tmp_path: Path) -> None:
    run_together(ANNOUNCE, [address(ledger)], 3, tmp_path)
    with ledger.reading() as tx:
        assert {one.event_id for one in unpublished(tx, 100)} == {training(number).event_id for number in range(20)}
        assert tx.execute(sa.select(sa.func.count()).select_from(loop_outbox)).scalar_one() == 20


def test_what_was_published_waits_no_more_and_keeps_its_first_time(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        ids = [announce(tx, bars(number), START) for number in range(1100)]
        note_failure(tx, ids[:700])
        mark_published(tx, dict.fromkeys(ids[:600], 1), day(1))
        mark_published(tx, dict.fromkeys(ids[:601], 1), day(2))
        assert [(one.event_id, one.attempts) for one in unpublished(tx, 101)] == [
            (event_id, 1 if number < 700 else 0) for number, event_id in enumerate(ids[601:702], start=601)
        ]
        times = tx.execute(sa.select(loop_outbox.c.published_at).order_by(loop_outbox.c.number).limit(601)).scalars()
        assert list(times) == [day(1)] * 600 + [day(2)]
