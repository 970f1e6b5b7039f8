"""Judging a challenger: both versions on the same bars, which neither has read, and the verdict of the gate."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from pawl.evaluation.bootstrap import Resampling, mean_of, paired_interval
from pawl.evaluation.sharpe import deflated_sharpe
from pawl.gates.condition import Unit
from pawl.gates.figure import Figure, Figures, PairedDifference
from pawl.gates.policy_gate import GateSettings, deflated_figures, paired_figures, policy_gate
from pawl.gates.verdict import Verdict
from pawl.jobs.evaluation import Scored
from pawl.market.basis_points import BPS

__all__ = ["PRIMARY_METRIC", "Trials", "judge", "judge_first", "measured"]

PRIMARY_METRIC = "net_return"
"""Mean net return of a day, bps of equity: what a new version must truly add to."""


@dataclass(frozen=True, slots=True)
class Trials:
    """What a verdict follows from beside the figures. n: candidates ever trained, this one too. seed: of the draws."""

    n: int
    seed: int


def judge(champion: Scored, challenger: Scored, trials: Trials, settings: GateSettings) -> Verdict:
    """Compare both on the same bars; whatever was not measured fails."""
    gate = policy_gate(PRIMARY_METRIC, Unit.BPS, settings)
    gain = paired_figures(PRIMARY_METRIC, _gain(champion, challenger, trials.seed))
    return gate.judge(measured(champion), {**measured(challenger), **_deflated(challenger, trials), **gain})


def judge_first(challenger: Scored, trials: Trials, settings: GateSettings) -> Verdict:
    """Judge a version while nothing serves."""
    gate = policy_gate(PRIMARY_METRIC, Unit.BPS, settings)
    return gate.judge_first({**measured(challenger), **_deflated(challenger, trials)})


def measured(scored: Scored) -> Figures:
    """The five figures of a policy, each with its sample.

    A decision's result is that of the bar after it, at the size decided, net of costs.
    """
    results = _decision_results(scored)
    n = results.height
    notional = float(results["notional"].sum())
    net = results["net_return"]
    judged = scored.judged.height
    return {
        "hit_rate": Figure(float((net > 0).sum()) / n if n else float("nan"), n),
        "pnl_bps": Figure(float(net.sum()) / notional * BPS if notional else float("nan"), n),
        "max_drawdown": Figure(scored.metrics["max_drawdown"], scored.backtest.equity.height),
        "risk_violation_rate": Figure(_violations(scored.decisions), scored.decisions.height),
        "ece": Figure(scored.metrics["ece"], judged),
    }


def _decision_results(scored: Scored) -> pl.DataFrame:
    """One row a decision with a position: its notional, and the net return of the bar it was held on."""
    held = scored.backtest.returns.sort("ticker", "ts").with_columns(
        decided=pl.col("ts").shift(1).over("ticker"),
    )
    taken = scored.decisions.filter(pl.col("action") != "flat").select(
        "ticker", decided="ts", notional=pl.col("position_size").abs()
    )
    return taken.join(held, on=["ticker", "decided"], how="inner", maintain_order="left")


def _violations(decisions: pl.DataFrame) -> float:
    """Share of decisions that ask for more than the ticker's whole capital."""
    if decisions.is_empty():
        return float("nan")
    return float((decisions["position_size"].abs() > 1).sum()) / decisions.height


def _gain(champion: Scored, challenger: Scored, seed: int) -> PairedDifference:
    ours, theirs = (scored.backtest.equity.select("ts", "net_return") for scored in (challenger, champion))
    both = ours.join(theirs, on="ts", suffix="_champion", how="inner", maintain_order="left")
    found = paired_interval(
        both["net_return"].to_numpy() * BPS,
        both["net_return_champion"].to_numpy() * BPS,
        mean_of,
        Resampling(),
        np.random.Generator(np.random.PCG64(seed)),
    )
    return PairedDifference(mean=found.value, low=found.low, high=found.high, n_days=both.height)


def _deflated(challenger: Scored, trials: Trials) -> Figures:
    returns = challenger.backtest.equity["net_return"].to_numpy()
    return deflated_figures(deflated_sharpe(returns, trials.n), n_days=len(returns), n_trials=trials.n)
