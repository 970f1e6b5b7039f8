"""What the paths of A/B tests answer."""

from ledger_world import START, day
from pawl.gates.ab_test import AbCounts, AbTest
from pawl.ids import ModelVersion
from pawl.ledger.ab_tests import ArmFigures, StoredTest
from pawl.ledger.identity import identity
from pawl.serving.ab_test_answers import report_of, status_of

ID = identity("ab_test", 1)
TEST = AbTest(test_id=str(ID), model_a=ModelVersion("m002-1.0"), model_b=ModelVersion("m002-1.1"), traffic_split=0.5,
              started_at=START, ends_at=day(7))  # fmt: skip
ARMS = (
    ArmFigures(predictions=10, win_rate=0.5, avg_pnl=1.0),
    ArmFigures(predictions=11, win_rate=None, avg_pnl=None),
)
STORED = StoredTest(test_id=ID, learner="m002", name="week 1", test=TEST, status="running", arms={}, p_value=None,
                    is_significant=False, winner=None, updated_at=START)  # fmt: skip


def test_a_status_has_the_columns_of_the_table() -> None:
    found = status_of(STORED, ARMS)
    assert (found.model_a_predictions, found.model_b_predictions, found.model_a_win_rate) == (10, 11, 0.5)
    assert (found.start_date, found.end_date, found.winner) == (START, day(7), None)


def test_a_report_sets_both_arms_side_by_side() -> None:
    counts = AbCounts(4, 8), AbCounts(0, 0)
    found = report_of(status_of(STORED, ARMS), counts, ARMS, (30, 0.05), ("running", "so far"))
    assert (found.model_a.wins, found.model_a.resolved, found.model_b.win_rate) == (4, 8, None)
    assert (found.min_resolved, found.significance, found.rollout, found.reason) == (30, 0.05, "running", "so far")
