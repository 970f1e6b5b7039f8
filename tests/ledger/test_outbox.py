"""Events are taken up in the order of recording, each by one deliverer at a time."""

from datetime import timedelta
from pathlib import Path

from decision_events import START, chain, record, tracked
from ledger_world import address, run_together
from pawl.ledger.backoff import Backoff
from pawl.ledger.database import Ledger
from pawl.ledger.outbox import claim_events, count_pending, due_events, mark_failed, still_waiting

BACKOFF = Backoff(max_attempts=3, base_sec=10.0, max_sec=100.0)
NOW = START + timedelta(days=1)

RACE = """
import sys, time
from datetime import UTC, datetime
from pawl.ledger.backoff import Backoff
from pawl.ledger.database import Ledger
from pawl.ledger.outbox import claim_events, due_events, mark_failed
ledger = Ledger(sys.argv[1])
now = datetime(2024, 3, 2, tzinfo=UTC)
with ledger.reading() as tx:
    seen = [one.event_id for one in due_events(tx, now, 100)]
for event_id in seen:
    with ledger.transaction() as tx:
        for one in claim_events(tx, [event_id]):
            if one.attempts == 0:
                time.sleep(0.01)
                mark_failed(tx, one, "no", "w", Backoff(max_attempts=1, base_sec=1.0, max_sec=1.0), now)
                print(one.event_id)
"""


def test_events_come_in_the_order_of_recording_and_not_before_their_time(ledger: Ledger) -> None:
    rows = [tracked(f"k{minute}", START + timedelta(minutes=minute)) for minute in (3, 1, 2)]
    with ledger.transaction() as tx:
        late, first, second = record(tx, rows)
        assert [one.event_id for one in due_events(tx, NOW, 10)] == [first, second, late]
        assert [one.event_id for one in due_events(tx, NOW, 2)] == [first, second]
        assert still_waiting(tx, [late, first]) == [first, late]
        (claimed,) = claim_events(tx, [first])
        assert not mark_failed(tx, claimed, "no", "w", BACKOFF, NOW)
        assert [one.event_id for one in due_events(tx, NOW, 10)] == [second, late]
        assert [one.event_id for one in due_events(tx, NOW + timedelta(seconds=15), 10)] == [first, second, late]
        assert count_pending(tx) == 3


def test_what_is_parked_waits_no_more(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        ids = record(tx, chain("a"))
        for _ in range(3):
            (claimed,) = claim_events(tx, ids[:1])
            is_parked = mark_failed(tx, claimed, "no", "w", BACKOFF, NOW)
        assert is_parked
        assert claim_events(tx, ids[:1]) == []
        assert count_pending(tx) == 2


def test_of_deliverers_that_claim_an_event_at_once_one_gets_it(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        ids = record(tx, [tracked(f"k{number}") for number in range(12)])
    printed = run_together(RACE, [address(ledger)], 3, tmp_path)
    assert sorted(one for text in printed for one in text.split()) == sorted(map(str, ids))
