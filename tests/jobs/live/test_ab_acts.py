"""Stopping a test by hand, also one that no rollout knows of; over HTTP: tests/serving/test_ab_test_routes.py."""

from dataclasses import replace

import pytest

from pawl.errors import RefusalError
from pawl.jobs.live.ab_acts import rollout_of, stop_by_hand
from pawl.jobs.live.rollout_orders import By
from pawl.jobs.live.rollouts import begin_rollout
from pawl.ledger.ab_tests import get_test, running_test
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import live_entries
from pawl.ledger.rollout_tables import rollouts
from rollout_world import NEW, Life


def test_a_test_is_stopped_with_its_rollout_and_alone_where_it_has_none(ledger: Ledger) -> None:
    life = Life(ledger)
    world = replace(life.world, plan_name="reversal")
    begun = begin_rollout(world, NEW, life.at)
    assert begun is not None and begun.ab_test_id is not None
    by = By(who="ann", at=life.at)
    with ledger.transaction() as tx:
        tx.execute(rollouts.update().values(status="aborted", share=0.0))  # as a crash of an older release left it
    stop_by_hand(world, begun.ab_test_id, by)
    with ledger.reading() as tx:
        assert running_test(tx, "m002") is None
        stored = get_test(tx, begun.ab_test_id)
        assert stored.status == "stopped"
        found = rollout_of(tx, stored)
        assert found is not None and not found.is_running
        (act,) = live_entries(tx, "m002", "act")
    assert (act.name, act.payload["test_id"], act.payload["by"]) == ("test stop", str(begun.ab_test_id), "ann")
    with pytest.raises(RefusalError, match="the test has ended: stopped"):
        stop_by_hand(world, begun.ab_test_id, by)
