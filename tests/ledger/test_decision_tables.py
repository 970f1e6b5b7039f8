"""Tables of inferences, decisions and replays."""

import pytest
import sqlalchemy as sa

from ledger_world import START, day
from pawl.errors import RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import replays
from pawl.ledger.identity import identity


def test_a_finished_replay_has_its_hash_and_an_unfinished_one_has_none(ledger: Ledger) -> None:
    half = {"replay_id": identity("replay", 1), "inputs_hash": "h", "attempt": 1, "inputs": {}, "started_at": START}
    for odd in ({"ledger_hash": "0"}, {"finished_at": day(1)}):
        with pytest.raises(RefusalError, match="ck_replays_finished_at"), ledger.transaction() as tx:
            tx.execute(sa.insert(replays).values(**half, **odd))


def test_a_row_of_a_replay_that_was_never_opened_is_refused(ledger: Ledger) -> None:
    row = sa.text(
        "INSERT INTO replay_log VALUES ('nobody', 1, '2024', 'm002', 'gated', 'BTCUSDT', 'decision', '{}', 'h', '2024')"
    )
    with pytest.raises(RefusalError, match="FOREIGN KEY"), ledger.transaction() as tx:
        tx.execute(row)
