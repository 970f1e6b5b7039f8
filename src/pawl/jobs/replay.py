"""The replay: the whole loop driven through history by a virtual clock, under three policies side by side.

At each retraining a candidate is trained on what had closed by then, and judged against the champion on the newest
bars that neither has read. `gated` lets it serve when the gate passes it, `always` lets every candidate serve, `frozen`
keeps the first. The artifact that was judged is the one that serves: nothing is fitted again after the verdict.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from pawl.gates.verdict import Verdict
from pawl.ids import DatasetHash, ModelVersion
from pawl.jobs.loaded_models import LoadedModels
from pawl.jobs.replay_plan import ReplayOrder, Step, report_from, steps
from pawl.jobs.replay_tickers import Joining
from pawl.jobs.training import train
from pawl.jobs.training_data import TrainingOrder
from pawl.jobs.verdicts import Case, Terms, reach_verdict
from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Learner
from pawl.ledger.deployments import Move, promote
from pawl.ledger.evaluations import NewEvaluation, count_trials, newest_report, record_evaluation
from pawl.ledger.version_number import VersionNumber, first_number
from pawl.market.instants import earliest
from pawl.registry.versions import VersionRecord

__all__ = ["Answers", "Judged", "Played", "ReplayWorld", "replay"]

AnyLearner = Learner[Any]

BY = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One candidate and what became of it. champion: what served when it was judged, None for the first."""

    step: Step
    record: VersionRecord
    champion: ModelVersion | None
    verdict: Verdict

    @property
    def is_promoted(self) -> bool:
        """Whether the gated policy let it serve."""
        return self.verdict.passed


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What one version said at the closes of a step: predictions as the learner gives them, and its decisions."""

    predictions: pl.DataFrame
    decisions: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One step of a replay. tickers: those decided on. left_out: ticker → why it was not. serving: policy → version,
    without policies that have none yet. answers: by version, in the step.
    """

    judged: Judged
    tickers: tuple[str, ...]
    left_out: Mapping[str, str]
    serving: Mapping[str, ModelVersion]
    answers: Mapping[ModelVersion, Answers]

    @property
    def step(self) -> Step:
        """When."""
        return self.judged.step


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayWorld:
    """What a replay works on. workspace: its ledger is the replay's own. bars: silver bars of every ticker, up to the
    end. joining: who of them takes part, and when. proved_on: hash of bars with a proof of the learner's features that
    covers these.
    """

    workspace: Workspace
    learner: AnyLearner
    bars: pl.DataFrame
    joining: Joining
    proved_on: DatasetHash


def replay(world: ReplayWorld, order: ReplayOrder) -> Iterator[Played]:
    """Drive the loop from `order.start` to `order.end`, step by step; what stands in the ledger is not done again."""
    models = LoadedModels(world.workspace, world.learner)
    known = {record.version: record for record in world.workspace.versions.all()}
    candidates: list[Judged] = []
    for step in steps(order):
        tickers = world.joining.at(step)
        number = _number(world.learner.spec.name, step)
        record = known.get(number.version) or _trained(world, order, step, number, tickers)
        judged = _judge(world, models, order, _Candidate(step=step, record=record, champion=_champion(candidates)))
        candidates.append(judged)
        serving = _serving(candidates, order)
        models.keep_only({one.version for one in serving.values()})
        asked = world.bars.filter(pl.col("ticker").is_in(tickers) & (pl.col("available_at") <= step.end))
        yield Played(
            judged=judged,
            tickers=tickers,
            left_out=world.joining.left_out,
            serving={policy: one.version for policy, one in serving.items()},
            answers={
                one.version: _answer(world.learner, models.of(one), asked, step)
                for one in {one.version: one for one in serving.values()}.values()
            },
        )


def _number(learner: str, step: Step) -> VersionNumber:
    first = first_number(learner)
    return VersionNumber(learner, first.major, first.minor + step.number)


def _trained(
    world: ReplayWorld, order: ReplayOrder, step: Step, number: VersionNumber, tickers: tuple[str, ...]
) -> VersionRecord:
    """The version trained at the step, under its number."""
    bars = world.bars.filter(pl.col("ticker").is_in(tickers))
    training = TrainingOrder(
        start=order.reads_from(step),
        to=step.begin,
        now=step.begin,
        seed=order.seed,
        costs=order.costs,
        limits=order.limits,
        tickers=tickers,
        report_from=report_from(bars, order, step.begin),
        number=number,
        proved_on=world.proved_on,
        n_jobs=order.n_jobs,
    )
    return train(world.workspace, world.learner, training, lambda stage, fraction: None).record


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """Who is to be judged at a step, and whom it has to beat (None: nothing serves yet)."""

    step: Step
    record: VersionRecord
    champion: VersionRecord | None


def _judge(world: ReplayWorld, models: LoadedModels, order: ReplayOrder, candidate: _Candidate) -> Judged:
    """The verdict on a candidate, and its promotion with it in one transaction; the stored one where it was given."""
    ledger = world.workspace.versions.ledger
    step, record = candidate.step, candidate.record
    with ledger.reading() as tx:
        report = newest_report(tx, record.version)
        n_trials = count_trials(tx, record.version)
    if report is not None:
        return Judged(step=step, record=record, champion=report.baseline, verdict=report.verdict)
    case = Case(candidate=record, champion=candidate.champion, n_trials=n_trials)
    visible = world.bars.filter(pl.col("available_at") < step.begin)
    verdict = reach_verdict(models, case, visible, Terms(costs=order.costs, gate=order.gate, seed=order.seed))
    new = NewEvaluation(version=record.version, baseline=case.baseline, verdict=verdict, figures={})
    with ledger.transaction() as tx:
        report = record_evaluation(tx, new, step.begin)
        if verdict.passed:
            move = Move(by=BY, reason="; ".join(verdict.reasons), at=step.begin)
            promote(tx, record.version, report.eval_id, move)
    return Judged(step=step, record=record, champion=case.baseline, verdict=verdict)


def _champion(candidates: list[Judged]) -> VersionRecord | None:
    """What the gated policy serves after these verdicts."""
    promoted = [one.record for one in candidates if one.is_promoted]
    return promoted[-1] if promoted else None


def _serving(candidates: list[Judged], order: ReplayOrder) -> dict[str, VersionRecord]:
    """Policy → the version that it serves after the last verdict; not `gated` while no version has passed."""
    serving = {"gated": _champion(candidates), "always": candidates[-1].record, "frozen": candidates[0].record}
    return {policy: version for policy in order.policies if (version := serving[policy]) is not None}


def _answer(learner: AnyLearner, model: Any, bars: pl.DataFrame, step: Step) -> Answers:  # noqa: ANN401 - a model is whatever its learner fits
    """Predictions and decisions at the closes of a step, of the tickers that have joined."""
    opened = bars.filter(step.holds())["ts"]
    since = earliest(opened) if len(opened) else step.end
    predictions = learner.predict(model, bars, since=since)
    decisions = learner.decide(predictions).filter(step.holds())
    said = predictions.join(decisions.select("ticker", "ts"), on=["ticker", "ts"], how="semi", maintain_order="left")
    return Answers(predictions=said.sort("ticker", "ts"), decisions=decisions.sort("ticker", "ts"))
