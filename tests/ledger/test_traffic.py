"""Whether somebody's memory of who decides still holds."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from ledger_world import day, judged, move, promoted, trained
from pawl.gates.rollout_state import Rollout, Status
from pawl.ids import ModelVersion
from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import roll_back
from pawl.ledger.identity import identity
from pawl.ledger.rollouts import open_rollout, save_rollout
from pawl.ledger.traffic import count_predictions, traffic_mark

TEST = identity("ab_test", 1)


def begin(tx: sa.Connection, **changes: object) -> None:
    row = {"id": TEST, "test_name": "week 1", "model_a_version": "m002-1.0", "model_b_version": "m002-1.1"}
    tx.execute(sa.insert(ab_tests).values(**{**row, "start_date": day(2), "learner": "m002", **changes}))


@pytest.fixture
def serving(ledger: Ledger) -> Ledger:
    """A ledger in which one version serves, and another waits."""
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        trained(tx, "m002-1.1")
    return ledger


def test_every_change_of_who_decides_changes_the_mark(serving: Ledger) -> None:
    marks = []
    with serving.transaction() as tx:
        marks.append(traffic_mark(tx))
        begin(tx)
        marks.append(traffic_mark(tx))
        tx.execute(sa.update(ab_tests).values(status="stopped", end_date=day(3)))
        marks.append(traffic_mark(tx))
        begin(tx, id=identity("ab_test", 2), test_name="week 2", start_date=day(4))
        marks.append(traffic_mark(tx))
        tx.execute(sa.update(ab_tests).where(ab_tests.c.status == "running").values(status="completed", winner="tie"))
        marks.append(traffic_mark(tx))
        promoted_id = judged(tx, "m002-1.1", on=5).eval_id
        assert promoted_id
        promoted(tx, "m002-1.2", on=6)
        marks.append(traffic_mark(tx))
        roll_back(tx, "m002", "policy", ModelVersion("m002-1.0"), move(7))
        marks.append(traffic_mark(tx))
    assert len(set(marks)) == len(marks) == 7


def test_every_step_of_a_rollout_changes_the_mark(serving: Ledger) -> None:
    """The share too, where nobody wrote the step down."""
    state = Rollout(
        plan="default", candidate=ModelVersion("m002-1.1"), champion=ModelVersion("m002-1.0"), stage=0,
        entered_at=day(2), status=Status.RUNNING, reason="passed",
    )  # fmt: skip
    marks = []
    with serving.transaction() as tx:
        marks.append(traffic_mark(tx))
        stored = open_rollout(tx, "m002", state, 0.0)
        marks.append(traffic_mark(tx))
        for share in (0.05, 0.2):
            before, stored = stored, replace(stored, share=share)
            save_rollout(tx, before, stored)
            marks.append(traffic_mark(tx))
        save_rollout(tx, stored, replace(stored, share=0.0, state=replace(state, status=Status.ROLLED_BACK)))
        marks.append(traffic_mark(tx))
    assert len(set(marks)) == len(marks) == 5


def test_predictions_are_added_to_their_arms_until_the_test_stops(serving: Ledger) -> None:
    with serving.transaction() as tx:
        begin(tx)
        count_predictions(tx, [(TEST, "a"), (TEST, "b"), (TEST, "a")])
        count_predictions(tx, [(TEST, "b")])
        count_predictions(tx, [])
        tx.execute(sa.update(ab_tests).values(status="stopped", end_date=day(3)))
        count_predictions(tx, [(TEST, "a"), (TEST, "b")])
    with serving.reading() as tx:
        row = tx.execute(sa.select(ab_tests)).one()
    assert (row.model_a_predictions, row.model_b_predictions) == (2, 2)
