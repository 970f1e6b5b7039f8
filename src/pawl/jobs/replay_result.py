"""What a replay came to: the figures of each policy, and what the gate was worth against the others."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from pawl.evaluation.backtest import Backtest
from pawl.evaluation.bootstrap import Estimate, Resampling, mean_of, paired_interval
from pawl.evaluation.trading import trading_metrics
from pawl.jobs.evaluation import bars_per_year
from pawl.jobs.replay import Judged
from pawl.jobs.replay_accounts import Accounts
from pawl.ledger.deployments import Deployment
from pawl.market.basis_points import BPS

__all__ = ["PolicyResult", "ReplayResult", "figures_json", "results"]

_FIGURES = ("net_return", "sharpe", "max_drawdown", "hit_rate", "turnover")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResult:
    """One policy over the replay. promotions: candidates it let serve, the first one too. refusals: the others."""

    backtest: Backtest
    decisions: pl.DataFrame
    figures: Mapping[str, float]
    promotions: int
    refusals: int
    rollbacks: int

    @property
    def counts(self) -> dict[str, int]:
        """The counts by name."""
        return {"promotions": self.promotions, "refusals": self.refusals, "rollbacks": self.rollbacks}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """differences: `gated_minus_always` and `gated_minus_frozen`, mean net bps a decision with its interval.

    moves: of the gated policy's alias, as its deployment log has them.
    """

    n_decisions: int
    policies: Mapping[str, PolicyResult]
    differences: Mapping[str, Estimate]
    candidates: tuple[Judged, ...]
    moves: tuple[Deployment, ...]


def results(
    accounts: Accounts, traded: Mapping[str, Backtest], candidates: tuple[Judged, ...], moves: tuple[Deployment, ...]
) -> ReplayResult:
    """Measure what came of each policy. traded: each policy's backtest over the whole replay."""
    decisions = {policy: accounts.decisions(policy) for policy in traded}
    others = [policy for policy in traded if policy != "gated"] if "gated" in traded else []
    promoted = {"gated": sum(one.is_promoted for one in candidates), "always": len(candidates), "frozen": 1}
    rolled_back = {"gated": sum(move.what == "rollback" for move in moves)}
    return ReplayResult(
        n_decisions=sum(frame.height for frame in decisions.values()),
        policies={
            policy: PolicyResult(
                backtest=done,
                decisions=decisions[policy],
                figures=trading_metrics(done, bars_per_year(done.equity["ts"])).as_dict(),
                promotions=promoted[policy],
                refusals=len(candidates) - promoted[policy],
                rollbacks=rolled_back.get(policy, 0),
            )
            for policy, done in traded.items()
        },
        differences={
            f"gated_minus_{other}": _difference(traded["gated"], traded[other], decisions[other], accounts.order.seed)
            for other in others
        },
        candidates=candidates,
        moves=moves,
    )


def _difference(ours: Backtest, theirs: Backtest, decided: pl.DataFrame, seed: int) -> Estimate:
    """Mean difference of what the bar after a decision brought, in bps. decided: the decisions that both took."""
    since = decided.group_by("ticker").agg(first=pl.col("ts").min())
    both = (
        ours.returns.join(theirs.returns, on=["ticker", "ts"], suffix="_other", maintain_order="left")
        .join(since, on="ticker", how="inner", maintain_order="left")
        .filter(pl.col("ts") > pl.col("first"))
    )
    means = {"ours": pl.col("net_return").mean() * BPS, "theirs": pl.col("net_return_other").mean() * BPS}
    by_day = both.group_by("ts").agg(**means).sort("ts")
    rng = np.random.Generator(np.random.PCG64(seed))
    return paired_interval(by_day["ours"].to_numpy(), by_day["theirs"].to_numpy(), mean_of, Resampling(), rng)


def figures_json(result: PolicyResult) -> dict[str, float | int]:
    """The figures of a policy as they leave in JSON."""
    return {**{name: result.figures[name] for name in _FIGURES}, **result.counts}
