"""A/B tests: two versions, one test at a time, decided once."""

import pytest
import sqlalchemy as sa

from ledger_world import day, fill_user_tables, promoted
from pawl.errors import RefusalError
from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.database import Ledger


@pytest.fixture
def running(ledger: Ledger) -> Ledger:
    """A ledger in which one test runs."""
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        fill_user_tables(tx)
    return ledger


def test_a_new_test_runs_half_and_half_and_knows_nothing(running: Ledger) -> None:
    with running.reading() as tx:
        test = tx.execute(sa.select(ab_tests)).one()
    assert (test.status, test.traffic_split, test.model_a_predictions, test.is_significant) == (
        "running",
        0.5,
        0,
        False,
    )
    assert (test.winner, test.p_value, test.end_date) == (None, None, None)


def test_a_second_test_of_the_learner_waits_for_the_end_of_the_first(running: Ledger) -> None:
    second = {"test_name": "week 2", "model_a_version": "m002-1.0", "model_b_version": "m002-9.9", "start_date": day(7)}
    with pytest.raises(RefusalError, match=r"(?i)unique"), running.transaction() as tx:
        tx.execute(sa.insert(ab_tests).values(**second, learner="m002"))
    with running.transaction() as tx:
        tx.execute(sa.update(ab_tests).values(status="stopped", end_date=day(7)))
        tx.execute(sa.insert(ab_tests).values(**second, learner="m002"))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"model_b_version": "m002-1.0"}, "ck_model_ab_test_versions"),
        ({"model_b_version": "m002-7.7"}, "(?i)foreign key"),
        ({"winner": "model_b"}, "ck_model_ab_test_decided"),
        ({"status": "completed"}, "ck_model_ab_test_decided"),
        ({"traffic_split": 1.01}, "ck_model_ab_test_traffic_split"),
        ({"p_value": -0.1}, "ck_model_ab_test_p_value"),
        ({"end_date": day(-1)}, "ck_model_ab_test_dates"),
    ],
)
def test_what_no_test_can_say_is_refused(running: Ledger, change: dict[str, object], rule: str) -> None:
    with pytest.raises(RefusalError, match=rule), running.transaction() as tx:
        tx.execute(sa.update(ab_tests).values(change))
