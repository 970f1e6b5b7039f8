"""Stopping a test by hand, also one that no rollout knows of; over HTTP: tests/serving/test_ab_test_routes.py."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from ledger_world import judged
from pawl.errors import RefusalError
from pawl.ids import ModelVersion
from pawl.jobs.live.ab_acts import rollout_of, stop_by_hand
from pawl.jobs.live.rollout_orders import By
from pawl.jobs.live.rollouts import abort_by_hand
from pawl.ledger.ab_tests import get_test, running_test
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import live_entries
from pawl.ledger.rollout_tables import rollouts
from pawl.ledger.signal_tables import trading_signals
from rollout_world import NEW, OLD, Life, Said, standing


def test_a_test_is_stopped_with_its_rollout_and_alone_where_it_has_none(ledger: Ledger) -> None:
    """Alone it has the counts and the time of that moment, as it would have with its rollout."""
    life = Life(ledger, plan="reversal")
    test_id = begun_test(life)
    life.live(1)
    by = By(who="ann", at=life.at)
    c = trading_signals.c
    with ledger.transaction() as tx:
        tx.execute(rollouts.update().values(status="aborted", share=0.0))  # as a crash of an older release left it
        decided = sa.select(c.model_version, sa.func.count()).where(c.ab_test_id == test_id).group_by(c.model_version)
        counts = {version: n for version, n in tx.execute(decided)}
    stop_by_hand(life.world, test_id, by)
    with ledger.reading() as tx:
        assert running_test(tx, "m002") is None
        stored = get_test(tx, test_id)
        found = rollout_of(tx, stored)
        assert found is not None and not found.is_running
        (act,) = live_entries(tx, "m002", "act")
    assert (stored.status, stored.winner, stored.test.ends_at, stored.updated_at) == ("stopped", None, by.at, by.at)
    assert {OLD: stored.arms["model_a"].predictions, NEW: stored.arms["model_b"].predictions} == counts
    assert sum(counts.values()) == 48
    assert (act.name, act.at) == ("test stop", by.at)
    assert (act.payload["test_id"], act.payload["by"]) == (str(test_id), "ann")
    with pytest.raises(RefusalError, match="the test has ended: stopped"):
        stop_by_hand(life.world, test_id, by)


def test_a_test_that_was_decided_is_not_stopped_and_its_winner_serves_on(sqlite_ledger: Ledger) -> None:
    """The rollout that it was a stage of still runs: it watches over the winner."""

    def winning(version: ModelVersion, number: int) -> Said:
        wins = 8 if version == NEW else 5
        return Said(pnl=0.001 if number % 10 < wins else -0.001, confidence=wins / 10)

    life = Life(sqlite_ledger, plan="reversal")
    test_id = begun_test(life)
    life.live(7, winning)
    stands = life.tick()
    assert stands == (NEW, NEW, 1, 1.0, "running", "champion")
    with pytest.raises(RefusalError, match="the test has ended: completed"):
        stop_by_hand(life.world, test_id, By(who="ann", at=life.at))
    assert standing(sqlite_ledger) == stands


def test_a_test_belongs_to_the_rollout_that_it_was_a_stage_of(sqlite_ledger: Ledger) -> None:
    """A candidate may come again, with a test of its own each time."""
    life = Life(sqlite_ledger, plan="reversal")
    first = begun_test(life)
    abort_by_hand(life.world, NEW, "not now", By(who="ann", at=life.at))
    with sqlite_ledger.transaction() as tx:
        judged(tx, NEW, on=900)
    life.at += timedelta(days=1)
    second = begun_test(life)
    with sqlite_ledger.reading() as tx:
        told = [rollout_of(tx, get_test(tx, one)) for one in (first, second)]
        alone = rollout_of(tx, replace(get_test(tx, second), test_id=UUID(int=1)))
    assert [one and (one.number, one.ab_test_id) for one in told] == [(1, first), (2, second)]
    assert alone is None


def begun_test(life: Life) -> UUID:
    """The id of a test that begins now."""
    test_id = life.begin().ab_test_id
    assert test_id is not None
    return test_id
