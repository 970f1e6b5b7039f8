"""Tables of inferences, decisions and replays."""

import pytest
import sqlalchemy as sa

from ledger_world import START, day
from pawl.errors import RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import decision_trajectories, replays
from pawl.ledger.identity import SYSTEM_USER, identity
from pawl.ledger.inferences import append_inferences, append_trajectories
from recorded_decision import INFERENCE, TRAJECTORY


def test_a_finished_replay_has_its_hash_and_an_unfinished_one_has_none(ledger: Ledger) -> None:
    half = {"replay_id": identity("replay", 1), "inputs_hash": "h", "attempt": 1, "inputs": {}, "started_at": START}
    for odd in ({"ledger_hash": "0"}, {"finished_at": day(1)}):
        with pytest.raises(RefusalError, match="ck_replays_finished_at"), ledger.transaction() as tx:
            tx.execute(sa.insert(replays).values(**half, **odd))


def test_a_row_of_a_replay_that_was_never_opened_is_refused(ledger: Ledger) -> None:
    row = sa.text(
        f"INSERT INTO replay_log VALUES ('{SYSTEM_USER}', 1, '2024-01-01', 'm002', 'gated', 'BTCUSDT', 'decision', "
        "'{}', 'h', '2024-01-01')"
    )
    with pytest.raises(RefusalError, match=r"(?i)foreign key"), ledger.transaction() as tx:
        tx.execute(row)


def test_pass_r9_a_new_trajectory_is_pending_and_no_fifth_value_is_accepted(ledger: Ledger) -> None:
    c = decision_trajectories.c
    bare = {
        "user_id": SYSTEM_USER, "trace_id": "t", "source_event_id": identity("event", 2), "context_features": {},
        "decision_features": {}, "learner": "m002",
    }  # fmt: skip
    with ledger.transaction() as tx:
        append_inferences(tx, [INFERENCE])
        append_trajectories(tx, [TRAJECTORY])
        tx.execute(sa.insert(decision_trajectories).values(bare))
        assert list(tx.execute(sa.select(c.label_quality)).scalars()) == ["pending", "pending"]
        for accepted in ("good", "bad", "ambiguous", "pending"):
            tx.execute(sa.update(decision_trajectories).values(label_quality=accepted))
    for fifth in ("excellent", "", "GOOD", None):
        with pytest.raises(RefusalError, match="label_quality"), ledger.transaction() as tx:
            tx.execute(sa.update(decision_trajectories).values(label_quality=fifth))
