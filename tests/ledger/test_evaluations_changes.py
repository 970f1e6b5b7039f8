"""Evaluations are listed per model version, with what changed against the version before."""

import sqlalchemy as sa

from ledger_world import day, trained
from pawl.gates.condition import Absolute, Condition, Direction
from pawl.gates.figure import Figure, Unmeasured
from pawl.gates.gate import Gate
from pawl.ids import ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import Move, promote
from pawl.ledger.evaluations import EvaluationChange, NewEvaluation, list_evaluations, record_evaluation
from pawl.ledger.model_versions import champion

HITS = Condition(metric="hit_rate", direction=Direction.HIGHER, tolerance=Absolute(), min_sample=10)
ECE = Condition(metric="ece", direction=Direction.LOWER, tolerance=Absolute(), min_sample=10)
GATE = Gate("two", (HITS, ECE))


def judge(tx: sa.Connection, version: str, hit_rate: float, ece: float | None, on: int) -> None:
    """A report with these figures, against whatever serves."""
    ours = {"hit_rate": Figure(hit_rate, 50), "ece": Unmeasured("no confidence") if ece is None else Figure(ece, 50)}
    serving = champion(tx, "m002")
    theirs = {"hit_rate": Figure(0.5, 50), "ece": Figure(0.5, 50)}
    found = GATE.judge_first(ours) if serving is None else GATE.judge(theirs, ours)
    new = NewEvaluation(version=ModelVersion(version), baseline=serving, verdict=found, figures={})
    report = record_evaluation(tx, new, day(on))
    if serving is None and found.passed:
        promote(tx, report.version, report.eval_id, Move(by="test", reason="first", at=day(on)))


def rounded(one: EvaluationChange) -> dict[str, float | None]:
    return {name: None if value is None else round(value, 9) for name, value in one.changes.items()}


def test_pass_r45_evaluations_are_listed_with_their_changes_against_the_preceding_version(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for minor in (0, 1, 2, 10):
            trained(tx, f"m002-1.{minor}")
        judge(tx, "m002-1.0", 0.50, 0.10, on=1)
        judge(tx, "m002-1.1", 0.55, 0.08, on=2)
        judge(tx, "m002-1.1", 0.53, 0.09, on=3)
        judge(tx, "m002-1.10", 0.60, None, on=4)
    with ledger.reading() as tx:
        listed = list_evaluations(tx, "m002")
        of_one = list_evaluations(tx, version=ModelVersion("m002-1.10"))
        of_nobody = list_evaluations(tx, "reversal")
    assert [(one.report.version, one.report.number, one.preceding) for one in listed] == [
        ("m002-1.0", 1, None),
        ("m002-1.1", 1, "m002-1.0"),
        ("m002-1.1", 2, "m002-1.0"),
        ("m002-1.10", 1, "m002-1.1"),
    ], "by number, not by text; a version that was never judged is passed over"
    assert [one.figures for one in listed] == [
        {"hit_rate": 0.50, "ece": 0.10},
        {"hit_rate": 0.55, "ece": 0.08},
        {"hit_rate": 0.53, "ece": 0.09},
        {"hit_rate": 0.60, "ece": None},
    ]
    assert [rounded(one) for one in listed] == [
        {"hit_rate": None, "ece": None},
        {"hit_rate": 0.05, "ece": -0.02},
        {"hit_rate": 0.03, "ece": -0.01},
        {"hit_rate": 0.07, "ece": None},
    ], "against the newest report of the version before; what was not measured has no change"
    assert of_one == listed[-1:]
    assert of_nobody == []
