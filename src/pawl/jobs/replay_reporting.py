"""From a finished replay to its page."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from pawl.evaluation.calibration import brier, ece
from pawl.jobs.replay import Judged
from pawl.jobs.replay_plan import Step, steps
from pawl.jobs.replay_result import PolicyResult
from pawl.jobs.replaying import SealedReplay
from pawl.jobs.report_frames import equity_frame, monthly_actions
from pawl.jobs.workspace import Workspace
from pawl.lake.atomic import write_atomically
from pawl.learners.learner import Learner
from pawl.ledger.deployments import Deployment
from pawl.market.bars import UTC_TIME
from pawl.reports.replay_data import AliasMove, CandidateFacts, PolicyFacts, ReplayReport
from pawl.reports.replay_page import render_replay
from pawl.reports.report_data import Interval

__all__ = ["ReplayPage", "replay_report", "write_replay_page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPage:
    """path: the page of this replay. newest: the same page where the newest of the workspace always lies."""

    path: Path
    newest: Path


def write_replay_page(
    workspace: Workspace, learner: Learner[Any], sealed: SealedReplay, profile: str = ""
) -> ReplayPage:
    """Write the page beside the replay's ledger, and again as the newest report of the workspace."""
    page = render_replay(replay_report(learner, sealed, profile)).encode()
    written = ReplayPage(path=sealed.home / "report.html", newest=workspace.home / "report.html")
    for place in (written.path, written.newest):
        write_atomically(place, page)
    return written


def replay_report(learner: Learner[Any], sealed: SealedReplay, profile: str = "") -> ReplayReport:
    """Everything the page shows of a replay. profile: a named variant of the run, or empty."""
    result, order = sealed.result, sealed.order
    decided = {ticker for one in result.policies.values() for ticker in one.decisions["ticker"].unique()}
    labels = learner.label(sealed.bars).select("ticker", "ts", "target").drop_nulls()
    return ReplayReport(
        learner=learner.spec.name,
        start=order.start,
        end=order.end,
        tickers=tuple(sorted(decided)),
        n_decisions=result.n_decisions,
        ledger_hash=sealed.ledger_hash,
        foresees=learner.spec.foresees,
        made_at=order.now,
        policies=tuple(_policy(name, one, labels, steps(order)) for name, one in result.policies.items()),
        differences={name: Interval(found.value, found.low, found.high) for name, found in result.differences.items()},
        candidates=tuple(_candidate(one) for one in result.candidates),
        moves=tuple(
            AliasMove(
                at=one.at, what=one.what, from_version=one.from_version, to_version=one.to_version, reason=one.reason
            )
            for one in result.moves
        ),
        profile=profile,
    )


def _policy(name: str, result: PolicyResult, labels: pl.DataFrame, plan: list[Step]) -> PolicyFacts:
    judged = result.decisions.join(labels, on=["ticker", "ts"], how="inner").drop_nulls("probability")
    return PolicyFacts(
        name=name,
        figures=result.figures,
        promotions=result.promotions,
        refusals=result.refusals,
        rollbacks=result.rollbacks,
        equity=equity_frame(result.backtest),
        calibration=pl.DataFrame([_honesty(judged.filter(step.holds()), step) for step in plan], schema=_CALIBRATION),
        actions=monthly_actions(result.decisions),
    )


_CALIBRATION = pl.Schema(
    {
        "begin": UTC_TIME,
        "n": pl.Int64(),
        "ece": pl.Float64(),
        "brier": pl.Float64(),
        "base_rate": pl.Float64(),
    }
)


def _honesty(judged: pl.DataFrame, step: Step) -> dict[str, float | datetime | None]:
    """How honest the confidence was in a step, where anything was resolved."""
    if judged.is_empty():
        return {"begin": step.begin, "n": 0, "ece": None, "brier": None, "base_rate": None}
    probability = judged["probability"].to_numpy()
    target = judged["target"].cast(pl.Float64).to_numpy()
    return {
        "begin": step.begin,
        "n": judged.height,
        "ece": ece(probability, target),
        "brier": brier(probability, target),
        "base_rate": float(target.mean()),
    }


def _move(done: Deployment) -> AliasMove:
    return AliasMove(
        at=done.at, what=done.what, from_version=done.from_version, to_version=done.to_version, reason=done.reason
    )


def _candidate(judged: Judged) -> CandidateFacts:
    record = judged.record
    return CandidateFacts(
        version=record.version,
        trained_at=judged.step.begin,
        max_t1=record.certificate.max_t1,
        dataset_hash=record.certificate.dataset_hash,
        champion=judged.champion,
        verdict=judged.verdict,
    )
