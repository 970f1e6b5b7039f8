"""The daily and the weekly gate of reversal: equality deploys, worse is kept, and who never signals never serves."""

from collections.abc import Mapping
from math import nan

import pytest

from pawl.gates.figure import Figure, Figures, Unmeasured
from pawl.gates.reversal_gate import daily_gate, weekly_gate

N = 150
CURRENT = {"f1_score": 0.41, "pnl_bps": -3.5, "n_signals": 60.0, "non_hold_recall": 0.3}


def figures(n: int = N, **changed: float) -> Figures:
    return {name: Figure(value, n) for name, value in {**CURRENT, **changed}.items()}


def test_rev_r17_an_equal_candidate_deploys() -> None:
    assert daily_gate(100).judge(figures(), figures()).passed


@pytest.mark.parametrize("better", [{"f1_score": 0.42}, {"pnl_bps": 1.0}])
def test_rev_r17_a_better_one_deploys(better: Mapping[str, float]) -> None:
    assert daily_gate(100).judge(figures(), figures(**better)).passed


@pytest.mark.parametrize(
    "worse",
    [{"f1_score": 0.4099}, {"pnl_bps": -3.6}, {"f1_score": 0.9, "pnl_bps": -4.0}, {"pnl_bps": 9.0, "f1_score": 0.1}],
)
def test_rev_r17_a_worse_one_is_kept_and_not_deployed(worse: Mapping[str, float]) -> None:
    verdict = daily_gate(100).judge(figures(), figures(**worse))
    assert not verdict.passed
    assert verdict.reasons


def test_rev_r18_always_hold_loses_even_where_its_figures_are_better() -> None:
    silent = figures(f1_score=0.9, pnl_bps=0.0, n_signals=0.0, non_hold_recall=0.0)
    assert not daily_gate(100).judge(figures(), silent).passed
    assert not daily_gate(100).judge(silent, silent).passed, "nor over one that is silent too"


def test_rev_r18_signals_that_are_all_wrong_are_not_enough() -> None:
    assert not daily_gate(100).judge(figures(), figures(non_hold_recall=0.0, f1_score=0.9, pnl_bps=5.0)).passed


@pytest.mark.parametrize("broken", [{"f1_score": nan}, {"pnl_bps": nan}, {"n_signals": nan}, {"non_hold_recall": nan}])
def test_what_could_not_be_measured_is_not_deployed(broken: Mapping[str, float]) -> None:
    assert not daily_gate(100).judge(figures(), figures(**broken)).passed


def test_rev_r16_too_few_unread_rows_deploy_nothing() -> None:
    assert not daily_gate(100).judge(figures(99), figures(99)).passed
    assert daily_gate(100).judge(figures(100), figures(100)).passed


WEEKLY = {**CURRENT, "total_trades": 40.0, "win_rate": 0.45, "sharpe_ratio": -2.0, "max_drawdown": 0.1}


def weekly(**changed: float) -> Figures:
    return {name: Figure(value, N) for name, value in {**WEEKLY, **changed}.items()}


def test_rev_r25_zero_trades_fail_the_weekly_gate_without_an_exception() -> None:
    nothing = {
        **weekly(total_trades=0.0),
        **{name: Unmeasured("0 trades") for name in ("win_rate", "sharpe_ratio", "max_drawdown")},
    }
    verdict = weekly_gate(100).judge({}, nothing)
    assert not verdict.passed
    assert {row.metric for row in verdict.failures} == {"total_trades", "win_rate", "sharpe_ratio", "max_drawdown"}


def test_a_weekly_version_that_trades_and_was_measured_passes_whatever_it_earned() -> None:
    assert weekly_gate(100).judge({}, weekly()).passed
    assert not weekly_gate(100).judge({}, weekly(n_signals=0.0)).passed
    assert not weekly_gate(100).judge({}, weekly(non_hold_recall=0.0)).passed
    assert not weekly_gate(100).judge({}, {}).passed


@pytest.mark.parametrize(
    ("metric", "impossible"),
    [("f1_score", 1.01), ("n_signals", -1.0), ("non_hold_recall", 1.01), ("total_trades", -1.0), ("win_rate", 1.01),
     ("sharpe_ratio", nan), ("max_drawdown", -0.01)],
)  # fmt: skip
def test_each_figure_of_the_weekly_gate_fails_it_alone(metric: str, impossible: float) -> None:
    """Unmeasured, not a number, or what it cannot be; the rows of the first three may not be too few, nor all zero."""
    bad: list[Figure | Unmeasured] = [Unmeasured("no rows"), Figure(nan, N), Figure(impossible, N)]
    if metric in ("f1_score", "n_signals", "non_hold_recall"):
        bad += [Figure(0.0, N), Figure(WEEKLY[metric], 99)]
    for value in bad:
        verdict = weekly_gate(100).judge({}, {**weekly(), metric: value})
        assert [row.metric for row in verdict.failures] == [metric], value


def test_one_trade_without_a_win_or_a_fall_is_a_measurement_of_the_weekly_gate() -> None:
    single = {"total_trades": 1.0, "win_rate": 0.0, "sharpe_ratio": -90.0, "max_drawdown": 0.0}
    figures_of = {**weekly(), **{name: Figure(value, 1) for name, value in single.items()}}
    assert weekly_gate(100).judge({}, figures_of).passed
