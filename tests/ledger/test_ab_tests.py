"""A/B tests as they are stored: REV-R31 and R33 where they are kept."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from ledger_world import START, day, fill_user_tables, promoted, trained
from pawl.errors import NotFoundError, RefusalError
from pawl.gates.ab_test import AbResult, AbTest, Winner
from pawl.ids import ModelVersion
from pawl.ledger.ab_tests import (
    ArmFigures,
    complete_test,
    get_test,
    list_tests,
    new_test_id,
    running_test,
    start_test,
    stop_test,
    track_arms,
)
from pawl.ledger.database import Ledger

OLD, NEW = ModelVersion("m002-1.0"), ModelVersion("m002-1.1")
TEST = AbTest(test_id=str(new_test_id("m002", NEW, START)), model_a=OLD, model_b=NEW, traffic_split=0.5,
              started_at=START, ends_at=day(7))  # fmt: skip
WON = AbResult(
    winner=Winner.MODEL_B, p_value=0.0123456, is_significant=True, win_rate_a=0.5, win_rate_b=0.6, reason="b"
)
A, B = ArmFigures(predictions=10, win_rate=0.5, avg_pnl=-1.25), ArmFigures(predictions=9, win_rate=None, avg_pnl=None)


@pytest.fixture
def begun(ledger: Ledger) -> tuple[Ledger, UUID]:
    with ledger.transaction() as tx:
        promoted(tx, OLD, on=1)
        trained(tx, NEW)
        return ledger, start_test(tx, "m002", TEST, "week 1")


def test_a_test_is_read_as_it_was_written(begun: tuple[Ledger, UUID]) -> None:
    ledger, test_id = begun
    with ledger.transaction() as tx:
        track_arms(tx, test_id, A, B, day(1))
        assert running_test(tx, "m002") == TEST and running_test(tx, "reversal") is None
        stored = get_test(tx, test_id)
        assert list_tests(tx) == list_tests(tx, "m002") == [stored] and list_tests(tx, "reversal") == []
        with pytest.raises(NotFoundError):
            get_test(tx, UUID(int=1))
    assert (stored.test, stored.name, stored.arms) == (TEST, "week 1", {"model_a": A, "model_b": B})


def test_rev_r31_it_is_said_once_who_won(begun: tuple[Ledger, UUID]) -> None:
    ledger, test_id = begun
    with ledger.transaction() as tx:
        complete_test(tx, test_id, WON, day(7))
    with ledger.reading() as tx:
        decided = get_test(tx, test_id)
    assert (decided.status, decided.winner, decided.p_value, decided.is_significant) == (
        "completed", "model_b", 0.01235, True,
    )  # fmt: skip
    for again in (lambda tx: complete_test(tx, test_id, WON, day(8)), lambda tx: stop_test(tx, test_id, day(8))):
        with pytest.raises(RefusalError, match="has ended: completed"), ledger.transaction() as tx:
            again(tx)


def test_rev_r33_a_stopped_test_has_no_winner_and_keeps_its_counts(begun: tuple[Ledger, UUID]) -> None:
    ledger, test_id = begun
    with ledger.transaction() as tx:
        track_arms(tx, test_id, A, B, day(1))
        stop_test(tx, test_id, day(2))
        track_arms(tx, test_id, replace(A, predictions=99), B, day(3))
        stopped = get_test(tx, test_id)
    assert (stopped.status, stopped.winner, stopped.p_value, stopped.test.ends_at) == ("stopped", None, None, day(2))
    assert (stopped.arms["model_a"], stopped.updated_at) == (A, day(2))


def test_a_test_stopped_as_it_began_can_be_read(begun: tuple[Ledger, UUID]) -> None:
    ledger, test_id = begun
    with ledger.transaction() as tx:
        stop_test(tx, test_id, START)
        assert get_test(tx, test_id).test.ends_at - START == timedelta(microseconds=1)


def test_a_test_without_an_end_runs_for_ever(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, OLD, on=1)
        fill_user_tables(tx)
        found = running_test(tx, "m002")
    assert found is not None and found.ends_at > day(100_000)


def test_a_second_test_waits_for_the_end_of_the_first(begun: tuple[Ledger, UUID]) -> None:
    ledger, _ = begun
    other = replace(TEST, test_id=str(UUID(int=5)))
    with pytest.raises(RefusalError, match=r"(?i)unique"), ledger.transaction() as tx:
        start_test(tx, "m002", other, "week 2")
    with ledger.reading() as tx:
        assert tx.execute(sa.text("SELECT count(*) FROM model_ab_test")).scalar_one() == 1
