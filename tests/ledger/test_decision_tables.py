"""Tables of inferences, decisions and replays."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from ledger_world import START, day
from pawl.errors import RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import decision_trajectories, replays
from pawl.ledger.identity import SYSTEM_USER, identity
from pawl.ledger.inferences import append_inferences, append_trajectories
from recorded_decision import INFERENCE, TRAJECTORY

STAYS = (
    "trajectory_id user_id trace_id source_event_id inference_id context_features created_at learner chain_month "
    "chain_number prev_hash row_hash"
).split()


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
            tx.execute(
                sa.update(decision_trajectories).values(label_quality=accepted, outcome_features={"hold_sec": 1})
            )
    for fifth in ("excellent", "", "GOOD", None):
        with pytest.raises(RefusalError, match="label_quality"), ledger.transaction() as tx:
            tx.execute(sa.update(decision_trajectories).values(label_quality=fifth))


@pytest.mark.parametrize("outcome", [None, [], 1.0])
def test_pass_r9_a_label_without_an_outcome_is_refused_by_the_database(ledger: Ledger, outcome: object) -> None:
    labelled = {"label_quality": "good", "outcome_features": outcome}
    with ledger.transaction() as tx:
        append_inferences(tx, [INFERENCE])
        append_trajectories(tx, [TRAJECTORY])
    another = replace(TRAJECTORY, trajectory_id=identity("trajectory", 2), source_event_id=identity("event", 2))
    with pytest.raises(RefusalError, match="leaves pending with an outcome only"), ledger.transaction() as tx:
        tx.execute(sa.update(decision_trajectories).values(labelled))
    with pytest.raises(RefusalError, match="leaves pending with an outcome only"), ledger.transaction() as tx:
        append_trajectories(tx, [replace(another, label_quality="bad")])
    with ledger.transaction() as tx:
        tx.execute(sa.update(decision_trajectories).values(label_quality="bad", outcome_features={"hold_sec": 1}))
    with pytest.raises(RefusalError, match="leaves pending with an outcome only"), ledger.transaction() as tx:
        tx.execute(sa.update(decision_trajectories).values(outcome_features=outcome))


def test_of_a_decision_only_the_action_changes(ledger: Ledger) -> None:
    decision = {"direction": "long", "confidence": 0.7, "tp_bps": [1e-7, 50.0], "action": None}
    with ledger.transaction() as tx:
        append_inferences(tx, [INFERENCE])
        append_trajectories(tx, [replace(TRAJECTORY, decision_features=decision)])
        for action in ({"side": "long", "size": 1.5}, None):
            tx.execute(sa.update(decision_trajectories).values(decision_features={**decision, "action": action}))
        bare = {name: value for name, value in decision.items() if name != "action"}
        tx.execute(sa.update(decision_trajectories).values(decision_features=bare))
    for change in ({"confidence": 0.8}, {"more": 1}, {"tp_bps": [1e-7]}):
        with pytest.raises(RefusalError, match="only the action may change"), ledger.transaction() as tx:
            tx.execute(sa.update(decision_trajectories).values(decision_features={**decision, **change}))


@pytest.mark.parametrize("column", STAYS)
def test_the_context_of_a_trajectory_is_frozen(ledger: Ledger, column: str) -> None:
    with ledger.transaction() as tx:
        append_inferences(tx, [INFERENCE])
        append_trajectories(tx, [TRAJECTORY])
    with pytest.raises(RefusalError, match="append-only"), ledger.transaction() as tx:
        tx.execute(sa.text(f"UPDATE decision_trajectories SET {column} = {column}"))
    with pytest.raises(RefusalError, match="append-only"), ledger.transaction() as tx:
        tx.execute(sa.delete(decision_trajectories))
