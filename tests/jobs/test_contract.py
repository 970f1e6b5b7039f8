"""The contract on the simulated market; tests/test_own_learner.py tries a learner that breaks it."""

from pawl.jobs.contract import check_contract
from pawl.learners.checks import LEARNER_CHECKS
from pawl.learners.m002 import M002, M002Variant
from pawl.learners.reversal import Reversal
from reversal_market import SMALL


def test_a_shipped_baseline_keeps_every_promise() -> None:
    stages: list[str] = []
    answers = check_contract(M002(variant=M002Variant.LINEAR), 7, lambda stage, fraction: stages.append(stage))
    assert answers == dict.fromkeys(LEARNER_CHECKS)
    assert len(stages) == len(LEARNER_CHECKS)


def test_so_does_reversal_which_asks_for_bars_of_15_minutes() -> None:
    small = SMALL.model_copy(update={"network": SMALL.network.model_copy(update={"max_epochs": 1})})
    assert check_contract(Reversal(small), 7, lambda stage, fraction: None) == dict.fromkeys(LEARNER_CHECKS)
