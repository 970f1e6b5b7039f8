"""Under which rules candidates are rolled out."""

from datetime import timedelta

import pytest

from pawl.errors import NotFoundError
from pawl.gates.rollout_plan import RolloutSettings
from pawl.jobs.live.rollout_rules import RolloutRules, RolloutWorld
from pawl.learners.m002 import M002
from pawl.learners.reversal import Reversal
from pawl.ledger.database import Ledger


def test_a_learner_goes_by_the_plan_of_the_settings(sqlite_ledger: Ledger) -> None:
    """`reversal` is tested for a week, everybody else walks by stages; a horizon is that of the label."""
    reversal = RolloutWorld.of(sqlite_ledger, Reversal().spec, RolloutRules())
    assert (reversal.plan.name, reversal.horizon) == ("reversal", timedelta(hours=4))
    assert RolloutWorld.of(sqlite_ledger, M002().spec, RolloutRules()).plan.name == "default"
    rules = RolloutRules(rollout=RolloutSettings(plans={"m002": "risk"}))
    assert RolloutWorld.of(sqlite_ledger, M002().spec, rules).plan.name == "risk"
    assert RolloutWorld.of(sqlite_ledger, Reversal().spec, rules).plan.name == "default"
    with pytest.raises(NotFoundError, match="no rollout plan `fast`"):
        rules.plan("fast")
