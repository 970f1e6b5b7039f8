"""A full training from scratch: on schedule, by a trigger, or by hand; what passes its gate goes into a rollout."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pawl.errors import PawlError, RefusalError
from pawl.gates.verdict import Verdict
from pawl.ids import ModelVersion
from pawl.jobs.live.reversal_report import WeeklyOrder, conclude_weekly, weekly_verdict
from pawl.jobs.live.training_job import fail_queued, open_job, run_name
from pawl.jobs.live.training_world import Surroundings, TrainingWorld
from pawl.jobs.training import Conclusion, Fitted, the_usual, train
from pawl.jobs.training_data import TrainingOrder
from pawl.jobs.verdicts import Terms, judge_version
from pawl.learners.learner import silent
from pawl.learners.reversal import Reversal
from pawl.learners.reversal_report import ReversalReport
from pawl.ledger.deployments import Move, promote
from pawl.ledger.evaluations import EvaluationReport, NewEvaluation, newest_report, record_evaluation
from pawl.ledger.imported_version import import_retired
from pawl.ledger.model_versions import champion
from pawl.ledger.train_jobs import NewJob, QueuedJob
from pawl.ledger.training_lock import training_lock
from pawl.ledger.trigger_firings import BY_HAND
from pawl.ledger.version_number import VersionNumber, claim_number

__all__ = ["BY", "ON_SCHEDULE", "FullRun", "train_full"]

ON_SCHEDULE = "schedule"
BY = "full training"
"""Who lets a first version serve, and the name of its lines in the log of the loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FullRun:
    """What came of a training. version: None where it was not held; skipped says why. cause: `schedule`, or the kind of
    the firing that asked, `by_hand` for a person. is_first: whether it serves because nothing did before. kept: why its
    rollout could not begin.
    """

    cause: str
    version: ModelVersion | None = None
    verdict: Verdict | None = None
    is_first: bool = False
    skipped: str | None = None
    kept: str | None = None

    @property
    def has_rollout(self) -> bool:
        """Whether the version is to be tried in the traffic: it passed, and something else serves."""
        return self.verdict is not None and self.verdict.passed and not self.is_first

    def told(self) -> dict[str, Any]:
        """As the log of the loop has it."""
        if self.verdict is None:
            return {"cause": self.cause, "skipped": self.skipped}
        return {
            "cause": self.cause,
            "version": self.version,
            "verdict": "pass" if self.verdict.passed else "fail",
            "reasons": list(self.verdict.reasons),
            "is_first": self.is_first,
            "kept": self.kept,
        }


def train_full(world: TrainingWorld, around: Surroundings, at: datetime, cause: str) -> FullRun:
    """Train on what had closed by this instant, judge, record; a pass begins a rollout, or the series if none serves.

    The same instant has one training, however often it is asked for: one that was cut off has failed, and the next goes
    on from its last checkpoint under the same number. While extreme conditions pause it, only a person starts one. What
    serves goes on serving throughout.
    """
    name = world.learner.spec.name
    with training_lock(world.ledger):
        with world.ledger.reading() as tx:
            is_paused = cause != BY_HAND and around.is_paused(tx, name, at)
        if is_paused:
            run = FullRun(cause=cause, skipped="extreme conditions pause training")
            around.take_turn()
            with world.ledger.transaction() as tx:
                around.note(tx, "training", BY, run.told(), at)
            return run
        job = _opened(world, at, cause)
        if job.status != "succeeded":
            _trained(world, around, job, at, cause)
        run = _judged(world, around, job.version, at, cause)
    return _rolled_out(world, around, run, at)


def _rolled_out(world: TrainingWorld, around: Surroundings, run: FullRun, at: datetime) -> FullRun:
    """Let a version that passed into the traffic; what cannot be now is said, and the version keeps its verdict.

    The line of the log comes last, because it says this as well; who is cut off before it comes here again.
    """
    if run.version is None or not run.has_rollout:
        return run
    try:
        around.begin_rollout(run.version, at)
    except RefusalError as error:
        run = replace(run, kept=error.what)
    with world.ledger.transaction() as tx:
        around.note(tx, "training", BY, run.told(), at)
    return run


def _opened(world: TrainingWorld, at: datetime, cause: str) -> QueuedJob:
    name = world.learner.spec.name
    run = run_name("full", name, at)
    with world.ledger.transaction() as tx:
        import_retired(tx, name, at)

        def new_job(version: ModelVersion | None) -> NewJob:
            return NewJob(
                version=version or claim_number(tx, name, at).version,
                dataset_version_ids=[],
                hyperparams={"seed": world.seed, "run": run, "cause": cause},
            )

        return open_job(tx, name, run, new_job, at)


def _trained(world: TrainingWorld, around: Surroundings, job: QueuedJob, at: datetime, cause: str) -> None:
    learner = world.learner
    back = learner.spec.reads_back
    order = TrainingOrder(
        start=None if back is None else at - back,
        to=at,
        now=at,
        seed=world.seed,
        costs=world.costs,
        limits=world.limits,
        among=world.tickers,
        number=VersionNumber.parse(job.version),
        job_id=job.job_id,
        proved_on=around.proved_on,
        n_jobs=world.n_jobs,
    )
    try:
        train(world.workspace, learner, order, silent, _conclusion(world, around, at, cause))
    except PawlError as error:
        fail_queued(world.ledger, job.job_id, str(error), at)
        raise


def _conclusion(world: TrainingWorld, around: Surroundings, at: datetime, cause: str) -> Callable[[Fitted], Conclusion]:
    """What stands beside a version when it is written down, in the turn of its training."""
    learner = world.learner
    conclude = _weekly(world, learner, around, at, cause) if isinstance(learner, Reversal) else the_usual

    def concluded(fitted: Fitted) -> Conclusion:
        conclusion = conclude(fitted)
        around.take_turn()
        return conclusion

    return concluded


def _weekly(
    world: TrainingWorld, learner: Reversal, around: Surroundings, at: datetime, cause: str
) -> Callable[[Fitted], Conclusion]:
    watch = around.stopwatch
    began = None if watch is None else watch()

    def decide(tx: sa.Connection, fitted: Fitted, report: ReversalReport) -> None:
        serving = champion(tx, learner.spec.name)
        verdict = weekly_verdict(learner, report, is_first=serving is None)
        figures = {
            "pnl_bps": report.pnl_bps,
            "f1_score": report.signals.f1_score,
            "hold_share": report.signals.hold_share,
        }
        new = NewEvaluation(version=fitted.version, baseline=serving, verdict=verdict, figures=figures)
        _begin_series(tx, around, record_evaluation(tx, new, at), at, cause)

    def elapsed() -> float | None:
        return None if watch is None or began is None else watch() - began

    return conclude_weekly(world, learner, WeeklyOrder(at=at, decide=decide, elapsed=elapsed))


def _judged(world: TrainingWorld, around: Surroundings, version: ModelVersion, at: datetime, cause: str) -> FullRun:
    """The verdict on the version, given now where its training has not given one: in its turn, so that nothing else
    comes to serve between the measuring and what follows from it.
    """
    around.take_turn()
    with world.ledger.reading() as tx:
        report = newest_report(tx, version)
    if report is None:
        terms = Terms(costs=world.costs, gate=around.gate, seed=world.seed)
        report = judge_version(world.workspace, world.learner, version, terms, at, only_as=1)
    with world.ledger.transaction() as tx:
        return _begin_series(tx, around, report, at, cause)


def _begin_series(
    tx: sa.Connection, around: Surroundings, report: EvaluationReport, at: datetime, cause: str
) -> FullRun:
    """Let the first version serve, once, where nothing does; a later one has a rollout before it."""
    is_first = report.verdict.passed and report.baseline is None
    if is_first and champion(tx, VersionNumber.parse(report.version).learner) is None:
        move = Move(by=BY, reason="; ".join(report.verdict.reasons), at=at)
        around.announce_move(tx, promote(tx, report.version, report.eval_id, move))
    run = FullRun(cause=cause, version=report.version, verdict=report.verdict, is_first=is_first)
    if not run.has_rollout:
        around.note(tx, "training", BY, run.told(), at)
    return run
