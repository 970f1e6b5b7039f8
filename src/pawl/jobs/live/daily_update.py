"""The daily update of `reversal`: what serves learns a little further, and gives way where that is not worse."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import polars as pl
import sqlalchemy as sa

from pawl.errors import InputError
from pawl.gates.verdict import Verdict
from pawl.ids import ModelVersion
from pawl.jobs.backtesting import load_model
from pawl.jobs.live.daily_record import Candidate, comparison_figures, daily_beside, daily_dataset, daily_record
from pawl.jobs.live.lineage import Lineage, lineage_of, read_rows
from pawl.jobs.live.training_job import open_job, run_name
from pawl.jobs.live.training_world import Surroundings, TrainingWorld
from pawl.learners.reversal import Reversal
from pawl.learners.reversal_daily import DailyData, DailyOrder, DailySkip, compare_daily, fit_daily, prepare_daily
from pawl.ledger.deployments import Move, promote
from pawl.ledger.evaluations import NewEvaluation, newest_report, record_evaluation
from pawl.ledger.model_versions import champion
from pawl.ledger.train_jobs import NewJob
from pawl.ledger.training_lock import training_lock
from pawl.ledger.version_number import VersionNumber
from pawl.market.bars import UTC_TIME, visible_before
from pawl.market.checks import check_bars
from pawl.models.reversal_model import ReversalNet
from pawl.registry.versions import Claim, VersionRecord

__all__ = ["BY", "DailyRun", "update_daily_version"]

BY = "daily update"
"""Who deploys, and the name of its lines in the log of the loop."""
DAY = timedelta(days=1)
HISTORY = timedelta(days=14)
"""Bars before the oldest asked about: 600 for the features and 20 of a window, weekends and holidays between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyRun:
    """What came of a day. version: None on a day without one; skipped says why. verdict: of the comparison.

    is_deployed: whether it serves now. kept: why it does not, though it passed.
    """

    version: ModelVersion | None = None
    verdict: Verdict | None = None
    is_deployed: bool = False
    kept: str | None = None
    skipped: str | None = None

    def told(self) -> dict[str, Any]:
        """As the log of the loop has it."""
        if self.verdict is None:
            return {"skipped": self.skipped}
        return {
            "version": self.version,
            "verdict": "pass" if self.verdict.passed else "fail",
            "reasons": list(self.verdict.reasons),
            "is_deployed": self.is_deployed,
            "kept": self.kept,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Active:
    """What serves, with all that it came from, and the version that is to follow it today."""

    record: VersionRecord
    lineage: Lineage
    update: ModelVersion


def update_daily_version(world: TrainingWorld, around: Surroundings, at: datetime) -> DailyRun:
    """Train, compare, record, and deploy or keep: the daily update of what serves at this instant.

    A day has one update of a base, however often it is asked for. Too few labelled sequences, a pause, or nothing that
    serves: no version, one line in the log. While an A/B test runs an update is trained and judged, and kept. What
    serves goes on serving until the very transaction that holds the verdict lets another one.
    """
    learner = world.learner
    if not isinstance(learner, Reversal):
        raise InputError(f"`{learner.spec.name}` has no daily update", where="daily update", fix="train it in full")
    with training_lock(world.ledger):
        return _update(world, learner, around, at)


def _update(world: TrainingWorld, learner: Reversal, around: Surroundings, at: datetime) -> DailyRun:
    name = learner.spec.name
    with world.ledger.reading() as tx:
        serving = champion(tx, name)
        is_paused = around.is_paused(tx, name, at)
        lineage = None if serving is None else lineage_of(tx, serving)
    if serving is None or lineage is None:
        return _skip(world, around, "no version serves, so there is nothing to update", at)
    version = VersionNumber.parse(serving).daily_of(at.date()).version
    done = _finished(world, version)
    if done is not None:
        return done
    if is_paused:
        return _skip(world, around, "extreme conditions pause incremental updates", at)
    active = _Active(record=world.workspace.versions.get(serving), lineage=lineage, update=version)
    return _learn(world, learner, around, active, at)


def _finished(world: TrainingWorld, version: ModelVersion) -> DailyRun | None:
    with world.ledger.reading() as tx:
        report = newest_report(tx, version)
        serving = champion(tx, VersionNumber.parse(version).learner)
    if report is None:
        return None
    return DailyRun(version=version, verdict=report.verdict, is_deployed=serving == version)


def _learn(world: TrainingWorld, learner: Reversal, around: Surroundings, active: _Active, at: datetime) -> DailyRun:
    order = _order(world, learner, around, active, at)
    bars = _bars(world, learner, order)
    if bars.is_empty():
        return _skip(world, around, "no pair has bars that pass their checks", at)
    model = load_model(learner, world.workspace.artifacts.load(active.record.artifact), active.record)
    assert isinstance(model, ReversalNet)
    ready = prepare_daily(learner, model, bars, order)
    if isinstance(ready, DailySkip):
        return _skip(world, around, ready.warning, at)
    return _train(world, learner, around, _Day(active=active, order=order, bars=bars, model=model, ready=ready))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    """All that a day's training is made of."""

    active: _Active
    order: DailyOrder
    bars: pl.DataFrame
    model: ReversalNet
    ready: DailyData


def _train(world: TrainingWorld, learner: Reversal, around: Surroundings, day: _Day) -> DailyRun:
    active, at = day.active, day.order.now
    name, version = learner.spec.name, active.update

    def new_job(_: ModelVersion | None) -> NewJob:
        return NewJob(
            version=version,
            dataset_version_ids=[],
            hyperparams={**learner.config.daily.model_dump(), "seed": day.order.seed, "run": run, "cause": "schedule"},
            base_model=active.record.version,
            training_type="incremental",
        )

    run = run_name("daily", version, at)
    with world.ledger.transaction() as tx:
        job = open_job(tx, name, run, new_job, at)
    claim = Claim(
        learner=name,
        dataset=daily_dataset(learner, day.bars, day.ready.read, day.order),
        seed=day.order.seed,
        number=VersionNumber.parse(version),
        job_id=job.job_id,
    )
    began = None if around.stopwatch is None else around.stopwatch()
    told: list[DailyRun] = []
    with world.workspace.versions.training(claim, at) as training:
        update = fit_daily(learner, day.model, day.ready, day.order.seed)
        compared = compare_daily(learner, day.model, update, day.bars, day.order, world.costs)
        seconds = None if began is None or around.stopwatch is None else around.stopwatch() - began
        candidate = Candidate(
            version=version, parent=active.record, update=update, compared=compared, order=day.order, seconds=seconds
        )
        record, named = daily_record(world, learner, candidate, day.bars)
        around.take_turn()
        settle = partial(_settle, around=around, candidate=candidate, told=told)
        world.workspace.versions.finish(training, record, at, daily_beside(candidate, named, settle))
    return told[-1]


def _settle(tx: sa.Connection, around: Surroundings, candidate: Candidate, told: list[DailyRun]) -> None:
    """The verdict, and the move that it allows: one transaction with the version itself."""
    at, verdict = candidate.order.now, candidate.compared.verdict
    new = NewEvaluation(
        version=candidate.version,
        baseline=candidate.parent.version,
        verdict=verdict,
        figures=comparison_figures(candidate.compared),
    )
    report = record_evaluation(tx, new, at)
    kept = _why_kept(tx, around, candidate) if verdict.passed else None
    is_deployed = verdict.passed and kept is None
    if is_deployed:
        move = Move(by=BY, reason="; ".join(verdict.reasons), at=at)
        around.announce_move(tx, promote(tx, candidate.version, report.eval_id, move))
    run = DailyRun(version=candidate.version, verdict=verdict, is_deployed=is_deployed, kept=kept)
    around.note(tx, "training", BY, run.told(), at)
    told.append(run)


def _why_kept(tx: sa.Connection, around: Surroundings, candidate: Candidate) -> str | None:
    """What holds an update back that passed; None where nothing does."""
    learner, at = candidate.parent.learner, candidate.order.now
    if around.has_running_test(tx, learner):
        return "an A/B test runs, and both of its arms stay as they are"
    if around.is_paused(tx, learner, at):
        return "extreme conditions pause every deployment"
    if champion(tx, learner) != candidate.parent.version:
        return f"`{candidate.parent.version}`, which it was compared with, no longer serves"
    return None


def _skip(world: TrainingWorld, around: Surroundings, why: str, at: datetime) -> DailyRun:
    run = DailyRun(skipped=why)
    around.take_turn()
    with world.ledger.transaction() as tx:
        around.note(tx, "training", BY, run.told(), at)
    return run


def _order(world: TrainingWorld, learner: Reversal, around: Surroundings, active: _Active, at: datetime) -> DailyOrder:
    with world.ledger.reading() as tx:
        outcomes = around.outcomes(tx, learner.spec.name, at - DAY, at)
    return DailyOrder(
        now=at,
        seed=world.seed,
        # Several versions may have said something of one bar; what is learnt of it is the same.
        outcomes=outcomes.unique(["ticker", "ts"], keep="first", maintain_order=True),
        read_before=read_rows(world.workspace.artifacts, active.lineage),
        base_read_until=active.lineage.base_read_until,
    )


def _bars(world: TrainingWorld, learner: Reversal, order: DailyOrder) -> pl.DataFrame:
    """The bars of every pair that passes its checks, as far back as anything asks."""
    since = order.now - timedelta(days=learner.config.daily.validation_days)
    oldest = order.outcomes["ts"].min()
    if isinstance(oldest, datetime):
        since = min(since, oldest)
    timeframe, silver = learner.spec.timeframe, world.workspace.silver
    scanned = visible_before(silver.scan(timeframe, world.tickers), order.now)
    bars = scanned.filter(pl.col("ts") >= pl.lit(since - HISTORY, UTC_TIME)).collect().sort("ticker", "ts")
    quarantined = silver.quarantined(timeframe)
    failing = check_bars(bars, silver.calendars(timeframe), timeframe, world.limits, quarantined).failing
    return bars.filter(~pl.col("ticker").is_in(list(failing)))
