"""What a group gave up stands among the dead letters, and is delivered again when a person says so."""

import logging

import pytest
from sqlalchemy import Connection

from ledger_world import START, day
from loop_events import bars
from pawl.errors import NotFoundError
from pawl.events.bus import Event, Parked
from pawl.events.event_settings import EventSettings
from pawl.events.in_process_bus import InProcessBus
from pawl.events.parking import is_of_a_group, parking
from pawl.events.relay import Relay
from pawl.jobs.parked import retry_letter
from pawl.ledger.database import Ledger
from pawl.ledger.dead_letters import Letter, list_letters, park
from pawl.ledger.loop_outbox import announce

SETTINGS = EventSettings(max_attempts=2, backoff_base_sec=0.01, backoff_max_sec=0.02)


def the_letter(tx: Connection) -> Letter:
    (letter,) = list_letters(tx, "parked")
    return letter


def test_a_parked_event_is_delivered_again_to_the_group_that_gave_it_up(ledger: Ledger) -> None:
    good: list[Event] = []
    mended: list[Event] = []
    is_broken = True

    def handle(event: Event) -> None:
        if is_broken:
            raise ValueError("no such pair")
        mended.append(event)

    with InProcessBus(SETTINGS.backoff, parking(ledger, lambda: day(1)), 10) as bus:
        bus.subscribe(["new_market_data"], "good", good.append)
        bus.subscribe(["new_market_data"], "broken", handle)
        relay = Relay(ledger, bus, SETTINGS, lambda: START)
        with ledger.transaction() as tx:
            announce(tx, bars(1), START)
        relay.step()
        assert bus.wait_idle(10)
        assert relay.step() == 1
        with ledger.transaction() as tx:
            letter = the_letter(tx)
            assert (letter.worker, letter.error, letter.attempts, letter.created_at) == (
                "events/broken", "ValueError: no such pair", 2, day(1),
            )  # fmt: skip
            retry_letter(tx, letter.letter_id, day(2))
        is_broken = False
        relay.step()
        assert bus.wait_idle(10)
    assert [one.event_id for one in mended] == [one.event_id for one in good] == [bars(1).event_id]


@pytest.mark.parametrize("n_behind", [0, 1])
def test_a_letter_that_is_let_go_before_the_relay_has_marked_its_event_is_not_lost(
    ledger: Ledger, n_behind: int
) -> None:
    tries: list[Event] = []

    def fail_once(event: Event) -> None:
        tries.append(event)
        if len(tries) == 1:
            raise ValueError("not yet")

    settings = EventSettings(max_attempts=1)
    with InProcessBus(settings.backoff, parking(ledger, lambda: day(1)), 10) as bus:
        bus.subscribe(["new_market_data"], "group", fail_once)
        relay = Relay(ledger, bus, settings, lambda: day(1))
        with ledger.transaction() as tx:
            for number in range(1 + n_behind):
                announce(tx, bars(number), START)
        relay.step()
        assert bus.wait_idle(10)  # parked, and not marked as published yet
        with ledger.transaction() as tx:
            retry_letter(tx, the_letter(tx).letter_id, day(2))
        assert relay.step() == 1 + n_behind + 1
        assert bus.wait_idle(10)
        assert relay.step() == 1
        assert relay.step() == 0
    ids = [bars(number).event_id for number in range(1 + n_behind)]
    assert [one.event_id for one in tries] == [*ids, ids[0]]


def test_what_is_no_event_is_logged_and_no_letter(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    junk = Parked(group="g", topic="new_market_data", item_id="1-0", error="no payload", attempts=1, event=None)
    with caplog.at_level(logging.ERROR):
        parking(ledger, lambda: START)(junk)
    assert "1-0 of new_market_data is no event: no payload" in caplog.text
    with ledger.reading() as tx:
        assert list_letters(tx) == []


def test_an_event_that_is_gone_cannot_be_delivered_again(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        park(tx, "events/g", str(bars(1).event_id), "poison", 2, START)
        assert is_of_a_group(the_letter(tx))
    with pytest.raises(NotFoundError, match="no event"), ledger.transaction() as tx:
        retry_letter(tx, the_letter(tx).letter_id, START)
