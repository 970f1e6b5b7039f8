"""Past and running rollouts and A/B tests as tables and as JSON."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pawl.ledger.ab_tests import FOREVER, ArmFigures, StoredTest
from pawl.ledger.rollouts import RolloutMove, StoredRollout

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Account", "history_rows", "history_text", "test_rows", "tests_text"]

Account = tuple[StoredRollout, Sequence[RolloutMove]]
"""A rollout and every step of it, oldest first."""


def history_rows(accounts: Sequence[Account]) -> list[dict[str, Any]]:
    """As JSON values: each rollout with its steps, and with each step what it rested on."""
    return [
        {
            "learner": one.learner,
            "version": one.state.candidate,
            "champion": one.state.champion,
            "plan": one.state.plan,
            "started": one.started_at.isoformat(),
            "status": one.state.status.value,
            "share": one.share,
            "ab_test_id": None if one.ab_test_id is None else str(one.ab_test_id),
            "steps": [
                {
                    "at": step.at.isoformat(),
                    "by": step.by,
                    "from": step.from_stage,
                    "to": step.to_stage,
                    "status": step.status.value,
                    "reason": step.reason,
                    "evidence": dict(step.evidence),
                    "eval_id": None if step.eval_id is None else str(step.eval_id),
                    "deployment_id": None if step.deployment_id is None else str(step.deployment_id),
                }
                for step in steps
            ],
        }
        for one, steps in accounts
    ]


def history_text(accounts: Sequence[Account]) -> "RenderableType":
    """A rollout a heading, a step a line."""
    from rich.text import Text

    if not accounts:
        return "no candidate was ever rolled out. Next: pawl rollout start VERSION"
    lines = []
    for one, steps in accounts:
        state = one.state
        lines.append(f"{state.candidate} against {state.champion}, plan {state.plan}: {state.status}")
        for step in steps:
            way = step.to_stage if step.from_stage in (None, step.to_stage) else f"{step.from_stage} → {step.to_stage}"
            moved = ", the alias moved" if step.deployment_id else ""
            lines.append(f"  {step.at:%Y-%m-%d %H:%M}  {way}: {step.status} by {step.by}{moved}: {step.reason}")
    return Text("\n".join([*lines, "What each step rested on: pawl rollout history --json"]))


def test_rows(tests: Sequence[StoredTest]) -> list[dict[str, Any]]:
    """As JSON values."""
    return [
        {
            "test_id": str(one.test_id),
            "learner": one.learner,
            "name": one.name,
            "started": one.test.started_at.isoformat(),
            "ends": None if one.test.ends_at == FOREVER else one.test.ends_at.isoformat(),
            "traffic_split": one.test.traffic_split,
            "status": one.status,
            "winner": one.winner,
            "p_value": one.p_value,
            "arms": {one.test.model_a: _arm(one.arms["model_a"]), one.test.model_b: _arm(one.arms["model_b"])},
        }
        for one in tests
    ]


def tests_text(tests: Sequence[StoredTest]) -> "RenderableType":
    """A test a line."""
    from rich.table import Table
    from rich.text import Text

    if not tests:
        return "no A/B test was ever run. See: pawl rollout status"
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("learner", "a, served", "b, new", "began", "ends", "wins a", "wins b", "p", "status", "winner"):
        table.add_column(name, no_wrap=True, justify="right" if name in ("wins a", "wins b", "p") else "left")
    for one in tests:
        test = one.test
        ends = "–" if test.ends_at == FOREVER else f"{test.ends_at:%Y-%m-%d %H:%M}"
        p_value = "–" if one.p_value is None else f"{one.p_value:.4f}"
        table.add_row(
            one.learner, Text(test.model_a), Text(test.model_b), f"{test.started_at:%Y-%m-%d %H:%M}",
            ends, _rate(one.arms["model_a"]), _rate(one.arms["model_b"]), p_value, one.status, one.winner or "–",
        )  # fmt: skip
    return table


def _arm(found: ArmFigures) -> dict[str, float | int | None]:
    return {"predictions": found.predictions, "win_rate": found.win_rate, "avg_pnl_bps": found.avg_pnl}


def _rate(found: ArmFigures) -> str:
    return "–" if found.win_rate is None else f"{found.win_rate:.1%}"
