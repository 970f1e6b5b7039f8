"""Letting go of a letter puts an event back, and touches nothing else."""

from pathlib import Path

from decision_events import record, tracked
from ledger_world import day
from pawl.jobs.parked import retry_letter
from pawl.ledger.backoff import Backoff
from pawl.ledger.database import Ledger
from pawl.ledger.dead_letters import list_letters, park
from pawl.ledger.outbox import claim_events, count_pending, mark_failed


def test_only_the_event_of_the_letter_is_put_back(ledger: Ledger, tmp_path: Path) -> None:
    once = Backoff(max_attempts=1, base_sec=1.0, max_sec=1.0)
    with ledger.transaction() as tx:
        ids = record(tx, [tracked("a"), tracked("b")])
        for event in claim_events(tx, ids):
            mark_failed(tx, event, "no", "trajectory-worker", once, day(1))
        park(tx, "eval-worker", "m002-1.0", "no bars", 1, day(1))
        assert count_pending(tx) == 0
        letters = {one.item_id: one for one in list_letters(tx)}
        retry_letter(tx, letters["m002-1.0"].letter_id, day(2))
        assert count_pending(tx) == 0
        retry_letter(tx, letters[str(ids[1])].letter_id, day(2))
        assert [one.event_id for one in claim_events(tx, ids)] == [ids[1]]
