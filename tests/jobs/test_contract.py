"""The contract on the simulated market; tests/test_own_learner.py tries a learner that breaks it."""

from pawl.jobs.contract import check_contract
from pawl.learners.checks import LEARNER_CHECKS
from pawl.learners.m002 import M002, M002Variant


def test_a_shipped_baseline_keeps_every_promise() -> None:
    stages: list[str] = []
    answers = check_contract(M002(variant=M002Variant.LINEAR), 7, lambda stage, fraction: stages.append(stage))
    assert answers == dict.fromkeys(LEARNER_CHECKS)
    assert len(stages) == len(LEARNER_CHECKS)
