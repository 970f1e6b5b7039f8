"""What the database itself refuses of rollouts, and that their revision walks both ways."""

from typing import Any

import pytest
import sqlalchemy as sa

from ledger_world import START, day, promoted, trained
from pawl.errors import RefusalError
from pawl.gates.rollout_state import Rollout, Status
from pawl.ids import ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.rollout_tables import rollout_moves, rollouts
from pawl.ledger.rollouts import RolloutMove, StoredRollout, list_moves, list_rollouts, open_rollout, record_move
from pawl.ledger.schema import is_current, step_back

OLD, NEW = ModelVersion("m002-1.0"), ModelVersion("m002-1.1")


def begun(tx: sa.Connection) -> StoredRollout:
    """One rollout with its first step."""
    promoted(tx, OLD, on=1)
    trained(tx, NEW)
    state = Rollout(
        plan="default", candidate=NEW, champion=OLD, stage=0, entered_at=START, status=Status.RUNNING, reason="passed"
    )
    stored = open_rollout(tx, "m002", state, 0.0)
    move = RolloutMove(at=START, by="pawl", from_stage=None, to_stage="shadow", status=Status.RUNNING, reason="passed",
                       evidence={"decisions": 0, "test": {"mean": 0.1}})  # fmt: skip
    record_move(tx, stored, move)
    return stored


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"status": "paused"}, "ck_rollouts_status"),
        ({"champion": NEW}, "ck_rollouts_versions"),
        ({"stage": -1}, "ck_rollouts_stage"),
        ({"share": 1.5}, "ck_rollouts_share"),
        ({"status": "refused", "share": 0.05}, "ck_rollouts_out_of_trading"),
        ({"reason": ""}, "ck_rollouts_reason"),
        ({"entered_at": day(-1)}, "ck_rollouts_times"),
        ({"candidate": "m002-7.7"}, "(?i)foreign key"),
    ],
)
def test_what_no_rollout_can_be_is_refused(ledger: Ledger, change: dict[str, Any], rule: str) -> None:
    with ledger.transaction() as tx:
        begun(tx)
    with pytest.raises(RefusalError, match=rule), ledger.transaction() as tx:
        tx.execute(sa.update(rollouts).values(change))


def test_a_learner_has_one_running_rollout_at_most(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        begun(tx)
        row = dict(tx.execute(sa.select(rollouts)).mappings().one())
    row |= {"rollout_id": row["rollout_id"].__class__(int=7), "rollout_number": 2}
    with pytest.raises(RefusalError, match=r"(?i)unique"), ledger.transaction() as tx:
        tx.execute(sa.insert(rollouts).values(row))
    with ledger.transaction() as tx:
        tx.execute(sa.update(rollouts).values(status="refused"))
        tx.execute(sa.insert(rollouts).values(row))


@pytest.mark.parametrize("change", ["UPDATE rollout_moves SET reason = 'x'", "DELETE FROM rollout_moves"])
def test_the_account_of_a_rollout_is_append_only(ledger: Ledger, change: str) -> None:
    with ledger.transaction() as tx:
        begun(tx)
    with pytest.raises(RefusalError, match="rollout_moves is append-only"), ledger.transaction() as tx:
        tx.execute(sa.text(change))


def test_no_rollout_is_taken_away(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        begun(tx)
    with pytest.raises(RefusalError, match="rollouts is append-only"), ledger.transaction() as tx:
        tx.execute(sa.text("DELETE FROM rollouts"))


def test_a_step_without_a_reason_or_a_name_is_refused(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        begun(tx)
        row = dict(tx.execute(sa.select(rollout_moves)).mappings().one())
    again = {**row, "move_id": row["move_id"].__class__(int=7), "move_number": 2, "from_stage": "shadow"}
    for change in ({"reason": ""}, {"moved_by": ""}, {"from_stage": None}, {"move_number": 1}, {"status": "no"}):
        with pytest.raises(RefusalError), ledger.transaction() as tx:
            tx.execute(sa.insert(rollout_moves).values({**again, **change}))


def test_the_revision_walks_back_while_there_was_no_rollout_and_is_refused_after(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        step_back(tx, "r0006")
        assert not sa.inspect(tx).has_table("rollouts")
    ledger.make_current()
    with ledger.transaction() as tx:
        assert is_current(tx)
        begun(tx)
    with pytest.raises(RefusalError, match="`rollouts` holds rows"), ledger.transaction() as tx:
        step_back(tx, "r0006")
    with ledger.reading() as tx:
        (stored,) = list_rollouts(tx)
        assert list_moves(tx, stored.rollout_id)[0].evidence == {"decisions": 0, "test": {"mean": 0.1}}
