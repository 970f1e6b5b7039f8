"""What a stage asks of a candidate, as checks of the package or of a mutant of it: `g` holds its names."""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

STANDS = {"hit_rate": 0.5, "pnl_bps": 1.0, "max_drawdown": 0.1, "risk_violation_rate": 0.02, "ece": 0.1}
WORSE = {"hit_rate": 0.49, "pnl_bps": 0.9, "max_drawdown": 0.112, "risk_violation_rate": 0.03, "ece": 0.11}
NEEDS = {"hit_rate": 100, "pnl_bps": 100, "max_drawdown": 3, "risk_violation_rate": 100, "ece": 100}
RAILS = {"max_drawdown_bps": (500.0, 1), "risk_violation_rate": (0.05, 20), "error_rate": (0.02, 20),
         "latency_p99_ms": (250.0, 20), "ece": (0.20, 100)}  # fmt: skip


def figures(g: SimpleNamespace, **changed: Any) -> dict[str, Any]:
    return {**{name: g.Figure(value, NEEDS[name]) for name, value in STANDS.items()}, **changed}


def judged(g: SimpleNamespace, **changed: Any) -> Any:
    gate = g.stage_gate("canary 5 %", g.GateSettings(), min_decisions=100, min_days=3)
    return gate.judge(figures(g), figures(g, **changed))


def failing(verdict: Any) -> list[str]:
    return [row.metric for row in verdict.failures]


def every_condition_of_a_stage_counts(g: SimpleNamespace) -> None:
    """Equal passes; worse in one, or short of one sample in it, fails on that one alone."""
    assert judged(g).passed and judged(g).gate == "canary 5 %"
    assert [row.metric for row in judged(g).rows] == [*STANDS]
    for name, value in WORSE.items():
        assert failing(judged(g, **{name: g.Figure(value, NEEDS[name])})) == [name]
        assert failing(judged(g, **{name: g.Figure(STANDS[name], NEEDS[name] - 1)})) == [name]
        assert failing(judged(g, **{name: g.Figure(math.nan, NEEDS[name])})) == [name]
        assert failing(judged(g, **{name: g.Unmeasured("no rows")})) == [name]


def proof_needs_the_conditions_and_a_bound(g: SimpleNamespace) -> None:
    """The rows of the stage, and behind them the lower bound of the gain: above zero, on enough blocks."""
    settings = g.SequenceSettings()
    n = settings.min_blocks

    def proven(conditions: Any, low: float, n_blocks: int = n) -> Any:
        return g.proven_verdict(conditions, g.Look(n_blocks=n_blocks, mean_bps=4.0, low_bps=low), settings)

    found = proven(judged(g), 0.5)
    assert found.passed and not found.is_first and found.gate == "canary 5 %"
    assert [row.metric for row in found.rows] == [*STANDS, "paired_gain_low"]
    assert found.rows[:5] == judged(g).rows and found.rows[5].challenger == g.Figure(0.5, n)
    for low, n_blocks in ((0.0, n), (-0.5, n), (-math.inf, n), (math.nan, n), (0.5, n - 1)):
        assert failing(proven(judged(g), low, n_blocks)) == ["paired_gain_low"]
    assert failing(proven(judged(g, ece=g.Figure(0.3, 100)), 0.5)) == ["ece"]


def only_a_win_of_the_new_version_passes(g: SimpleNamespace) -> None:
    """B, with enough resolved signals in the arm that has fewer; a tie, a win of A and too few fail."""
    settings = g.AbSettings()
    n = settings.min_resolved

    def decided(winner: Any, n_fewest: int = n) -> Any:
        result = g.AbResult(winner=winner, p_value=0.01, is_significant=True, win_rate_a=0.5, win_rate_b=0.6,
                            reason="so it is")  # fmt: skip
        return g.ab_verdict(result, n_fewest, settings)

    found = decided(g.Winner.MODEL_B)
    assert found.passed and not found.is_first and found.gate == "A/B test"
    (row,) = found.rows
    assert (row.metric, row.challenger) == ("ab_wins", g.Figure(1.0, n, note="so it is"))
    for winner, n_fewest in ((g.Winner.TIE, n), (g.Winner.MODEL_A, n), (g.Winner.MODEL_B, n - 1)):
        assert failing(decided(winner, n_fewest)) == ["ab_wins"]
    tie, lost = (decided(winner).rows[0].challenger.value for winner in (g.Winner.TIE, g.Winner.MODEL_A))
    assert (tie, lost) == (0.0, -1.0)


def a_breach_names_the_rails_that_were_passed(g: SimpleNamespace) -> None:
    """Those alone, each with its limit, its figure and why; such a verdict never passes."""
    rails = g.guard_rails(g.GuardRailSettings())
    kept = {name: g.Figure(limit, n) for name, (limit, n) in RAILS.items()}
    for name, (limit, n) in RAILS.items():
        measured = {**kept, name: g.Figure(limit * 1.5, n)}
        found = g.breach_verdict("canary 5 %", rails, measured)
        (row,) = found.rows
        assert (found.gate, found.passed, found.is_first) == ("guard-rails, canary 5 %", False, False)
        assert (row.metric, row.limit, row.challenger, row.champion) == (name, limit, measured[name], None)
        assert row.outcome is g.Outcome.FAIL and "is over its guard-rail" in row.reason
        assert (row.requirement.min_sample, row.requirement.direction) == (n, g.Direction.LOWER)
        assert row.requirement.unit is next(one.unit for one in rails if one.metric == name)
    both = {"error_rate": g.Figure(0.5, 20), "ece": g.Figure(0.9, 100), "latency_p99_ms": g.Unmeasured("no log")}
    assert [row.metric for row in g.breach_verdict("shadow", rails, both).rows] == ["error_rate", "ece"]
    assert not g.breach_verdict("shadow", rails, kept).passed


def a_refusal_fails_whatever_was_judged(g: SimpleNamespace) -> None:
    """What was judged stays in the record, and the reason is its last row."""
    for before in (None, judged(g), judged(g, ece=g.Figure(0.3, 100))):
        found = g.refusal_verdict("shadow", "60 days are over", before)
        last = found.rows[-1]
        assert (found.gate, found.passed, found.is_first) == ("shadow", False, False)
        assert found.rows[:-1] == (() if before is None else before.rows)
        assert (last.metric, last.outcome, last.reason) == ("stage", g.Outcome.FAIL, "60 days are over")
        assert (last.challenger, last.champion, last.limit) == (g.Unmeasured("60 days are over"), None, 0.0)
    assert len(g.refusal_verdict("shadow", "enough").rows) == 1


CHECKS: tuple[Callable[[SimpleNamespace], None], ...] = (
    every_condition_of_a_stage_counts, proof_needs_the_conditions_and_a_bound, only_a_win_of_the_new_version_passes,
    a_breach_names_the_rails_that_were_passed, a_refusal_fails_whatever_was_judged,
)  # fmt: skip
