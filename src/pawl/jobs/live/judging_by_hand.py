"""A verdict that a person asks for, beside a loop that lives or without one."""

from datetime import datetime
from typing import Any

from pawl.jobs.live.act_record import acting, record_act
from pawl.jobs.verdicts import Terms, new_verdict
from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Learner
from pawl.ledger.evaluations import EvaluationReport, record_evaluation

__all__ = ["judge_by_hand"]


def judge_by_hand(
    workspace: Workspace, learner: Learner[Any], version: str, terms: Terms, now: datetime
) -> EvaluationReport:
    """Judge a version against what serves now, on every bar that had closed at the loop's instant, and write the act
    down with its verdict. The loop waits meanwhile, some seconds, so that it stands behind one run and before the next.
    """
    name, ledger = learner.spec.name, workspace.versions.ledger
    with acting(ledger, name, now) as at:
        new = new_verdict(workspace, learner, version, terms, at)
        with ledger.transaction() as tx:
            report = record_evaluation(tx, new, at)
            record_act(tx, name, "judge", at, {"version": report.version, "by": "pawl gate judge"})
    return report
