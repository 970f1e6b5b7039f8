"""The tables of a replay, to the letter."""

from rich.console import Console

from pawl.evaluation.bootstrap import Estimate
from pawl.reports.policies import differences_table, policies_table


def printed(table: object) -> str:
    console = Console(width=80, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def counts(promotions: int, refusals: int) -> dict[str, int]:
    return {"promotions": promotions, "refusals": refusals, "rollbacks": 0}


def test_the_policies_stand_side_by_side() -> None:
    figures = {"net_return": 0.051, "sharpe": 1.25, "max_drawdown": 0.1, "hit_rate": 0.52, "turnover": 12.5}
    unknown = {**figures, "sharpe": float("nan")}
    text = printed(policies_table({"gated": (figures, counts(2, 3)), "always": (unknown, counts(5, 0))}))
    assert "gated" in text.splitlines()[0]
    assert [line.split()[-2:] for line in text.splitlines() if line.startswith(("Sharpe", "promotions"))] == [
        ["1.25", "–"],
        ["2", "5"],
    ]


def test_the_differences_carry_their_interval() -> None:
    text = printed(differences_table({"gated_minus_always": Estimate(1.3, -0.5, 3.3)}))
    assert "gated minus always" in text
    assert "+1.3 bps" in text
    assert "−0.5 … 3.3" in text
