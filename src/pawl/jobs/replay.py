"""The replay: the whole loop driven through history by a virtual clock, under three policies side by side.

At each retraining a candidate is trained on what had closed by then, and judged against the champion on the newest
bars that neither has read. `gated` lets it serve when the gate passes it, `always` lets every candidate serve, `frozen`
keeps the first. The artifact that was judged is the one that serves: nothing is fitted again after the verdict.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from pawl.gates.verdict import Verdict
from pawl.ids import ModelVersion
from pawl.jobs.backtesting import load_models
from pawl.jobs.evaluation import Rulebook, Scored, Span, score
from pawl.jobs.judging import Trials, judge, judge_first
from pawl.jobs.proving import require_proof
from pawl.jobs.replay_plan import ReplayOrder, Step, first_possible, report_from, steps
from pawl.jobs.training import TrainingOrder, train
from pawl.jobs.workers import workers
from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Learner
from pawl.ledger.deployments import Move, promote
from pawl.ledger.evaluations import EvaluationReport, NewEvaluation, newest_report, record_evaluation
from pawl.market.instants import latest
from pawl.registry.versions import VersionRecord, VersionStore

__all__ = ["Judged", "Replayed", "Watch", "replay"]

AnyLearner = Learner[Any]
OnStage = Callable[[str, float], None]

BY = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One candidate and what became of it. champion: what served when it was judged, None for the first."""

    step: Step
    record: VersionRecord
    champion: ModelVersion | None
    verdict: Verdict
    is_promoted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who is told what: on_stage of the work, on_judged of every verdict."""

    on_stage: OnStage
    on_judged: Callable[[Judged], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay did. decisions: policy → every decision, with the `version` that took it. candidates: in order."""

    candidates: tuple[Judged, ...]
    decisions: Mapping[str, pl.DataFrame]
    bars: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A candidate to be judged at a step, and the champion it has to beat (None: nothing serves yet)."""

    step: Step
    record: VersionRecord
    champion: VersionRecord | None

    @property
    def baseline(self) -> ModelVersion | None:
        """The champion's name."""
        return self.champion.version if self.champion else None


class _Models:
    """The loaded models, each read from the store once while it serves anywhere."""

    def __init__(self, workspace: Workspace, learner: AnyLearner) -> None:
        self.workspace = workspace
        self.learner = learner
        self._loaded: dict[ModelVersion, Any] = {}

    def of(self, record: VersionRecord) -> Any:  # noqa: ANN401 - a model is whatever its learner fits
        if record.version not in self._loaded:
            models = load_models(self.workspace, self.learner, record)
            self._loaded[record.version] = models[self.learner.spec.name][1]
        return self._loaded[record.version]

    def keep_only(self, versions: set[ModelVersion]) -> None:
        """Let go of every other model: memory stays flat over the length of a replay."""
        self._loaded = {version: model for version, model in self._loaded.items() if version in versions}


def replay(workspace: Workspace, learner: AnyLearner, order: ReplayOrder, bars: pl.DataFrame, watch: Watch) -> Replayed:
    """Drive the loop from `order.start` to `order.end`; what stands in the ledger already is not done again.

    workspace: its ledger is the replay's own. bars: checked silver bars of every ticker, up to the end.
    """
    ready = first_possible(bars, order)
    models = _Models(workspace, learner)
    candidates: list[Judged] = []
    said: dict[str, list[pl.DataFrame]] = {policy: [] for policy in order.policies}
    with workers(order.n_jobs):
        require_proof(workspace, learner.spec, bars, watch.on_stage)
    plan = steps(order)
    for step in plan:
        watch.on_stage("replaying", step.number / len(plan))
        tickers = tuple(ready.filter(pl.col("ready_at") <= step.begin)["ticker"])
        record = _candidate(workspace, learner, order, bars.filter(pl.col("ticker").is_in(tickers)), step)
        case = _Case(step=step, record=record, champion=_champion(candidates))
        judged = _judge(workspace.versions, models, order, bars, case)
        candidates.append(judged)
        watch.on_judged(judged)
        serving = _serving(candidates)
        models.keep_only({one.version for one in serving.values()})
        asked = bars.filter(pl.col("ticker").is_in(tickers) & (pl.col("available_at") <= step.end))
        answers = {version.version: _decide(learner, models.of(version), asked, step) for version in serving.values()}
        for policy in order.policies:
            version = serving[policy].version
            said[policy].append(answers[version].with_columns(version=pl.lit(version)))
    watch.on_stage("replaying", 1.0)
    return Replayed(
        candidates=tuple(candidates),
        decisions={policy: pl.concat(frames).sort("ticker", "ts") for policy, frames in said.items()},
        bars=bars,
    )


def _candidate(
    workspace: Workspace, learner: AnyLearner, order: ReplayOrder, bars: pl.DataFrame, step: Step
) -> VersionRecord:
    """The version trained at the step; the one on record when the replay was here before."""
    known = workspace.versions.all()
    if step.number < len(known):
        return known[step.number]
    training = TrainingOrder(
        start=step.begin - order.window if order.window else None,
        to=step.begin,
        now=step.begin,
        seed=order.seed,
        costs=order.costs,
        limits=order.limits,
        tickers=tuple(bars["ticker"].unique().sort()),
        report_from=report_from(bars, order, step.begin),
        n_jobs=order.n_jobs,
    )
    return train(workspace, learner, training, lambda stage, fraction: None).record


def _champion(candidates: list[Judged]) -> VersionRecord | None:
    """What the gated policy serves before this step's candidate is judged."""
    promoted = [one.record for one in candidates if one.is_promoted]
    return promoted[-1] if promoted else None


def _judge(versions: VersionStore, models: _Models, order: ReplayOrder, bars: pl.DataFrame, case: _Case) -> Judged:
    """The verdict on a candidate, and its promotion with it in one transaction; the stored one where it was given."""
    with versions.ledger.reading() as tx:
        report = newest_report(tx, case.record.version)
    if report is None:
        report = _record_verdict(versions, case, _verdict(models, order, bars, case))
    return Judged(
        step=case.step,
        record=case.record,
        champion=case.baseline,
        verdict=report.verdict,
        is_promoted=report.verdict.passed,
    )


def _verdict(models: _Models, order: ReplayOrder, bars: pl.DataFrame, case: _Case) -> Verdict:
    begin = case.step.begin
    visible = bars.filter((pl.col("available_at") < begin) & pl.col("ticker").is_in(case.record.tickers))
    block = report_from(visible, order, begin)
    trials = Trials(n=case.step.number + 1, seed=order.seed)
    if case.champion is None:
        return judge_first(_score(models, case.record, visible, block, order), trials, order.gate)
    # Purged and embargoed on the candidate's side by its fit, on the champion's by its certificate.
    unread = max(block, case.champion.certificate.first_allowed)
    theirs, ours = (_score(models, one, visible, unread, order) for one in (case.champion, case.record))
    return judge(theirs, ours, trials, order.gate)


def _score(models: _Models, record: VersionRecord, bars: pl.DataFrame, start: datetime, order: ReplayOrder) -> Scored:
    span = Span(start, latest(bars["ts"]) + models.learner.spec.timeframe.length)
    return score(models.learner, models.of(record), bars, span, Rulebook(costs=order.costs))


def _record_verdict(versions: VersionStore, case: _Case, verdict: Verdict) -> EvaluationReport:
    new = NewEvaluation(version=case.record.version, baseline=case.baseline, verdict=verdict, figures={})
    now = case.step.begin
    with versions.ledger.transaction() as tx:
        report = record_evaluation(tx, new, now)
        if verdict.passed:
            promote(tx, new.version, report.eval_id, Move(by=BY, reason="; ".join(verdict.reasons), at=now))
    return report


def _serving(candidates: list[Judged]) -> dict[str, VersionRecord]:
    """Policy → the version that it serves after the last verdict."""
    promoted = [one.record for one in candidates if one.is_promoted]
    return {
        "gated": promoted[-1] if promoted else candidates[0].record,
        "always": candidates[-1].record,
        "frozen": candidates[0].record,
    }


def _decide(learner: AnyLearner, model: Any, bars: pl.DataFrame, step: Step) -> pl.DataFrame:  # noqa: ANN401 - as above
    """The decisions at the closes of a step, of the tickers that have joined."""
    first = bars.filter(step.holds())["ts"].min()
    if first is None:
        return learner.decide(learner.predict(model, bars)).clear()
    decisions = learner.decide(learner.predict(model, bars, since=latest(pl.Series([first]))))
    return decisions.filter(step.holds())
