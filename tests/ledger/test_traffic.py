"""Who decides now, and whether somebody's memory of it still holds."""

import pytest
import sqlalchemy as sa

from ledger_world import day, judged, move, promoted, trained
from pawl.ids import ModelVersion
from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import roll_back
from pawl.ledger.identity import identity
from pawl.ledger.traffic import count_predictions, read_traffic, traffic_mark

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


def test_nobody_decides_where_nothing_serves(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        traffic = read_traffic(tx, "m002")
    assert (traffic.active, traffic.running, traffic.mark) == (None, None, (0, 0, 0))


def test_a_running_test_is_read_with_its_arms(serving: Ledger) -> None:
    with serving.transaction() as tx:
        begin(tx, traffic_split=0.25, end_date=day(9))
    with serving.reading() as tx:
        traffic, other = read_traffic(tx, "m002"), read_traffic(tx, "reversal")
    assert traffic.active == "m002-1.0"
    test = traffic.running
    assert test is not None
    assert (test.test_id, test.model_a, test.model_b, test.traffic_split) == (str(TEST), "m002-1.0", "m002-1.1", 0.25)
    assert (test.started_at, test.ends_at) == (day(2), day(9))
    assert (other.active, other.running) == (None, None)


def test_a_test_without_an_end_runs_until_it_is_stopped(serving: Ledger) -> None:
    with serving.transaction() as tx:
        begin(tx)
        test = read_traffic(tx, "m002").running
        assert test is not None
        assert test.ends_at.year == 9999
        tx.execute(sa.update(ab_tests).values(status="stopped", end_date=day(3)))
        assert read_traffic(tx, "m002").running is None


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
