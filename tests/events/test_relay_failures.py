"""A relay whose bus is away: everything waits, the tries are counted and grow rarer, and the log says what waits."""

import time
from collections.abc import Collection
from uuid import UUID

import pytest

from loop_events import bars
from pawl.errors import StorageError
from pawl.events.event_settings import EventSettings
from pawl.events.relay import Relay
from pawl.ledger.database import Ledger
from redis_world import noted, until
from relay_world import SETTINGS, Recorder, now, tell, waiting


@pytest.fixture
def bus() -> Recorder:
    return Recorder()


def test_while_the_bus_is_away_everything_waits_and_the_tries_are_counted(ledger: Ledger, bus: Recorder) -> None:
    bus.is_down = True
    tell(ledger, bars(1), bars(2))
    with Relay(ledger, bus, SETTINGS, now) as relay:
        until(lambda: bus.n_tries >= 3)
        assert relay.failure is not None
        assert "the bus does not answer" in relay.failure
        assert [one for one, _ in waiting(ledger)] == [bars(1).event_id, bars(2).event_id]
        assert all(attempts >= 2 for _, attempts in waiting(ledger))
        tell(ledger, bars(3))
        bus.is_down = False
        until(lambda: len(bus.events) == 3)
        until(lambda: waiting(ledger) == [])
        until(lambda: relay.failure is None)
    assert [one.event_id for one in bus.events] == [bars(number).event_id for number in (1, 2, 3)]


def test_a_bus_that_is_away_is_not_asked_again_before_its_time_however_often_the_relay_is_woken(
    sqlite_ledger: Ledger, bus: Recorder
) -> None:
    """And while all is well the long wait after a failure is none of its business."""
    patient = EventSettings(poll_sec=0.02, backoff_base_sec=60, backoff_max_sec=60)
    with Relay(sqlite_ledger, bus, patient, now) as relay:
        for number in range(3):
            tell(sqlite_ledger, bars(number))
            until(lambda: waiting(sqlite_ledger) == [], 5)
        bus.is_down = True
        tell(sqlite_ledger, bars(9))
        until(lambda: relay.failure is not None, 5)
        n_tries = bus.n_tries
        for _ in range(5):
            relay.wake()
            time.sleep(0.03)
        assert bus.n_tries == n_tries


def test_a_failure_names_the_first_events_that_wait_and_says_how_many(
    sqlite_ledger: Ledger, bus: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    bus.is_down = True
    told = [bars(number) for number in range(12)]
    tell(sqlite_ledger, *told)
    with Relay(sqlite_ledger, bus, SETTINGS, now) as relay:
        until(lambda: relay.failure is not None)
    facts = caplog.records[0].__dict__["facts"]
    assert (facts["n_events"], facts["event_ids"]) == (12, [str(one.event_id) for one in told[:10]])


def test_what_is_published_is_not_named_by_a_failure_after_it(
    sqlite_ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    class Mute(Recorder):
        def settled(self, event_ids: Collection[UUID]) -> set[UUID]:
            if event_ids:
                raise StorageError("the bus does not answer", where="here", fix="start it")
            return set()

    tell(sqlite_ledger, bars(1))
    with Relay(sqlite_ledger, Mute(), SETTINGS, now) as relay:
        until(lambda: relay.failure is not None)
    assert caplog.records[0].__dict__["facts"]["event_ids"] == []


def test_failures_are_counted_from_one_after_each_success(sqlite_ledger: Ledger, bus: Recorder) -> None:
    """The wait grows while the bus is away, and begins small when it is away again."""
    asked: list[int] = []

    with Relay(sqlite_ledger, bus, noted(asked, poll_sec=0.01), now):
        for number in range(2):
            asked.clear()
            bus.is_down = True
            tell(sqlite_ledger, bars(number))
            until(lambda: len(asked) >= 3, 5)
            assert asked[:3] == [1, 2, 3]
            bus.is_down = False
            until(lambda: waiting(sqlite_ledger) == [], 5)
