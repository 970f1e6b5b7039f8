"""What a replay came to: the figures of each policy, their differences, and the rows of its log."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

import numpy as np
import polars as pl

from pawl.evaluation.backtest import Backtest, backtest
from pawl.evaluation.bootstrap import Estimate, Resampling, mean_of, paired_interval
from pawl.evaluation.trading import trading_metrics
from pawl.jobs.evaluation import bars_per_year
from pawl.jobs.replay import Judged, Replayed
from pawl.jobs.replay_plan import ReplayOrder
from pawl.ledger.identity import identity
from pawl.ledger.replay_log import ReplayRow

__all__ = ["PolicyResult", "ReplayResult", "figures_json", "log_rows", "results"]

_BPS = 1e4
_FIGURES = ("net_return", "sharpe", "max_drawdown", "hit_rate", "turnover")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResult:
    """One policy over the replay. refusals: candidates it did not let serve."""

    backtest: Backtest
    figures: Mapping[str, float]
    promotions: int
    refusals: int
    rollbacks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """differences: `gated_minus_always` and `gated_minus_frozen`, mean net bps a decision with its interval."""

    n_decisions: int
    policies: Mapping[str, PolicyResult]
    differences: Mapping[str, Estimate]
    candidates: tuple[Judged, ...]


def results(replayed: Replayed, order: ReplayOrder) -> ReplayResult:
    """Trade the decisions of each policy over the replay's bars and measure what came of it."""
    bars = replayed.bars.filter((pl.col("ts") >= order.start) & (pl.col("available_at") <= order.end))
    traded = {policy: backtest(bars, decided, order.costs) for policy, decided in replayed.decisions.items()}
    others = [policy for policy in traded if policy != "gated"] if "gated" in traded else []
    n_candidates = len(replayed.candidates)
    promoted = sum(one.is_promoted for one in replayed.candidates)
    served = {"gated": promoted, "always": n_candidates, "frozen": 1}
    return ReplayResult(
        n_decisions=sum(frame.height for frame in replayed.decisions.values()),
        policies={
            policy: PolicyResult(
                backtest=done,
                figures=trading_metrics(done, bars_per_year(done.equity["ts"])).as_dict(),
                promotions=served[policy],
                refusals=n_candidates - served[policy],
                rollbacks=0,
            )
            for policy, done in traded.items()
        },
        differences={
            f"gated_minus_{other}": _difference(traded["gated"], traded[other], order.seed) for other in others
        },
        candidates=replayed.candidates,
    )


def _difference(ours: Backtest, theirs: Backtest, seed: int) -> Estimate:
    """Mean difference of what the bar after a decision brought, in bps: both decide once a ticker and bar."""
    both = ours.returns.join(theirs.returns, on=["ticker", "ts"], suffix="_other", maintain_order="left")
    by_day = (
        both.group_by("ts")
        .agg(
            ours=pl.col("net_return").mean() * _BPS,
            theirs=pl.col("net_return_other").mean() * _BPS,
        )
        .sort("ts")
    )
    rng = np.random.Generator(np.random.PCG64(seed))
    return paired_interval(by_day["ours"].to_numpy(), by_day["theirs"].to_numpy(), mean_of, Resampling(), rng)


def log_rows(replay_id: str, learner: str, replayed: Replayed, result: ReplayResult) -> Iterator[list[ReplayRow]]:
    """Every row of the replay's log, a batch a step: trainings, verdicts, deployments, decisions and outcomes.

    The verdict at a step's end stands in the step's own batch: it shares its instant with the last decisions.
    """
    yield list(_candidate_rows(learner, replayed.candidates[0]))
    for judged, following in zip_longest(replayed.candidates, replayed.candidates[1:]):
        in_step = judged.step.holds()
        rows = list(_candidate_rows(learner, following)) if following else []
        for policy, decisions in replayed.decisions.items():
            rows += _decision_rows(learner, policy, decisions.filter(in_step), replay_id)
            rows += _outcome_rows(learner, policy, result.policies[policy].backtest, replayed.bars, in_step)
        yield rows


def _candidate_rows(learner: str, judged: Judged) -> Iterator[ReplayRow]:
    record = judged.record
    at = judged.step.begin
    training = {
        "version": record.version,
        "artifact": record.artifact,
        "dataset_hash": record.certificate.dataset_hash,
        "max_t1": record.certificate.max_t1.isoformat(),
    }
    yield _row(at, learner, "gated", "", "training", training)
    verdict = {"version": record.version, "passed": judged.verdict.passed, "reasons": list(judged.verdict.reasons)}
    yield _row(at, learner, "gated", "", "verdict", verdict)
    if judged.is_promoted:
        yield _row(at, learner, "gated", "", "deployment", {"from": judged.champion, "to": record.version})


def _decision_rows(learner: str, policy: str, decisions: pl.DataFrame, replay_id: str) -> Iterator[ReplayRow]:
    for one in decisions.iter_rows(named=True):
        payload = {
            "trace_id": str(identity("trace", replay_id, policy, one["ticker"], one["ts"].isoformat())),
            "version": one["version"],
            "action": one["action"],
            "position_size": one["position_size"],
            "probability": one["probability"],
            "reason": one["reason"],
        }
        yield _row(one["available_at"], learner, policy, one["ticker"], "decision", payload)


def _outcome_rows(
    learner: str, policy: str, done: Backtest, bars: pl.DataFrame, in_step: pl.Expr
) -> Iterator[ReplayRow]:
    """What each account that held or traded earned on each bar, known at the bar's close."""
    closes = bars.select("ticker", "ts", "available_at")
    moved = (pl.col("net_return") != 0) | (pl.col("turnover") != 0) | (pl.col("exposure") != 0)
    for one in done.returns.join(closes, on=["ticker", "ts"]).filter(in_step, moved).iter_rows(named=True):
        payload = {name: one[name] for name in ("net_return", "exposure", "turnover")}
        yield _row(one["available_at"], learner, policy, one["ticker"], "outcome", payload)


def _row(at: datetime, learner: str, policy: str, ticker: str, kind: str, payload: Mapping[str, Any]) -> ReplayRow:
    return ReplayRow(virtual_time=at, learner=learner, policy=policy, ticker=ticker, kind=kind, payload=payload)


def figures_json(result: PolicyResult) -> dict[str, float | int]:
    """The figures of a policy as they leave in JSON."""
    counts = {"promotions": result.promotions, "refusals": result.refusals, "rollbacks": result.rollbacks}
    return {**{name: result.figures[name] for name in _FIGURES}, **counts}
