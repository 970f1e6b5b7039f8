"""The text of a replay by the calendar."""

import io

from rich.console import Console

from pawl.cli.cadence_answer import cadence_text

FIGURES = {
    "net_return": -0.0123,
    "avg_pnl": -1.2,
    "total_trades": 321,
    "win_rate": 0.61,
    "sharpe_ratio": None,
    "max_drawdown": 0.02,
    "f1_score": 0.4,
    "hold_share": 0.123,
    "versions": 3,
}
RESULT = {
    "from": "2025-05-20T00:00:00+00:00",
    "to": "2026-02-18T00:00:00+00:00",
    "policies": {"gated": FIGURES, "frozen": FIGURES},
    "weekly": {"trained": 40, "passed": 39, "failed": 1, "tests": 38, "model_a": 1, "model_b": 2, "tie": 35},
    "daily": {"due": 274, "skipped": 78, "passed": 60, "failed": 136, "deployed": 3, "kept": 57},
}


def test_policies_trainings_and_what_was_not_measured_are_told() -> None:
    console = Console(width=160, file=io.StringIO(), record=True)
    console.print(cadence_text(RESULT, 12.0))
    lines = console.export_text().splitlines()
    assert lines[1].split() == ["gated", "−1.23", "−1.20", "321", "61.0", "–", "2.00", "0.400", "12.3", "3"]
    assert "38 A/B tests: 2 won by the new version, 1 by the old, 35 ties" in lines[4]
    assert "274 due, 78 skipped, 60 passed, 136 failed; 3 deployed, 57 kept" in lines[5]
