"""What a replay by the calendar came to."""

import json
from pathlib import Path

import pytest

from paper_cadence import FIRST, SECOND, THIRD, PaperCadence
from pawl.evaluation.costs import Costs
from pawl.jobs.cadence_result import cadence_result
from reversal_market import small_reversal
from small_cadence import whole


def test_three_policies_decide_on_the_same_bars_and_the_baselines_stand_beside() -> None:
    policies = whole()["policies"]
    assert set(policies) == {"gated", "always", "frozen"}
    assert len({one["decisions"] for one in policies.values()}) == 1
    assert policies["frozen"]["versions"] == 1 < policies["gated"]["versions"] <= policies["always"]["versions"]
    assert set(whole()["baselines"]) == {"reversal", "linear", "lightgbm"}
    assert all(0 <= one["hold_share"] <= 1 for one in policies.values())
    json.dumps(whole(), allow_nan=False)


def test_rev_r25_policies_that_never_trade_have_null_figures_and_no_exception(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REV-R25 in the replay: nobody says anything but hold for two weeks; the test between them is a tie."""
    world = PaperCadence(tmp_path, dict.fromkeys((FIRST, SECOND, THIRD), "never"))
    run = world.play(monkeypatch, weeks=2)
    result = cadence_result(small_reversal(), run, world.bars, Costs(), {})
    json.dumps(result, allow_nan=False)
    for policy in result["policies"].values():
        assert (policy["total_trades"], policy["winning_trades"], policy["hold_share"]) == (0, 0, 1.0)
        assert {policy[name] for name in ("win_rate", "avg_pnl", "total_pnl", "sharpe_ratio", "max_drawdown")} == {None}
        assert policy["net_return"] == 0.0
    assert result["weekly"] == {
        "trained": 3, "passed": 3, "failed": 0, "tests": 1, "model_a": 0, "model_b": 0, "tie": 1,
    }  # fmt: skip
    decided = result["verdicts"][3]["decided"]
    assert (decided["p_value"], decided["resolved_a"], decided["resolved_b"]) == (None, 0, 0)
