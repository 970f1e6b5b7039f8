"""What a person does to an A/B test that runs: stop it, and with it the rollout that it is a stage of."""

from uuid import UUID

import sqlalchemy as sa

from pawl.errors import RefusalError
from pawl.jobs.live.act_record import record_act
from pawl.jobs.live.performance import arm_figures
from pawl.jobs.live.rollout_orders import By
from pawl.jobs.live.rollout_rules import RolloutWorld
from pawl.jobs.live.rollouts import abort_by_hand
from pawl.ledger.ab_tests import StoredTest, get_test, stop_test, track_arms
from pawl.ledger.rollouts import StoredRollout, list_rollouts

__all__ = ["rollout_of", "stop_by_hand"]


def rollout_of(tx: sa.Connection, stored: StoredTest) -> StoredRollout | None:
    """The rollout of which a test is, or was, a stage: no other one has it."""
    return next((one for one in list_rollouts(tx, stored.test.model_b) if one.ab_test_id == stored.test_id), None)


def stop_by_hand(world: RolloutWorld, test_id: UUID, by: By) -> None:
    """Stop a test: it has no winner, its counts stay, and its rollout is aborted. RefusalError once it has ended."""
    with world.ledger.reading() as tx:
        stored = get_test(tx, test_id)
        rollout = rollout_of(tx, stored)
    if stored.status != "running":
        raise RefusalError(
            f"the test has ended: {stored.status}", where="A/B test", fix=f"see pawl rollout status; test {test_id}"
        )
    if rollout is not None and rollout.is_running:
        abort_by_hand(world, rollout.state.candidate, "the test was stopped", by)
        return
    with world.ledger.transaction() as tx:
        track_arms(tx, test_id, *arm_figures(tx, test_id), by.at)
        stop_test(tx, test_id, by.at)
        record_act(tx, world.learner, "test stop", by.at, {"test_id": str(test_id), "by": by.who})
