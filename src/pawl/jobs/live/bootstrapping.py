"""An empty workspace becomes one that a loop can run in: a history, a first version, and that version serving."""

from collections.abc import Callable
from datetime import datetime, timedelta

from pawl.errors import RefusalError
from pawl.ids import ModelVersion
from pawl.jobs.live.announcing import announce_move
from pawl.jobs.live.received import keep_page
from pawl.jobs.live.recorded_source import HISTORY
from pawl.jobs.live.world import LiveWorld
from pawl.jobs.training import train
from pawl.jobs.training_data import TrainingOrder
from pawl.jobs.verdicts import Terms, judge_version
from pawl.lake.backfill import BackfillOrder, Patience, run_backfill
from pawl.ledger.deployments import Move, promote
from pawl.ledger.evaluations import newest_report
from pawl.ledger.live_log import LiveEntry, log_live
from pawl.ledger.model_versions import champion, list_versions
from pawl.market.bars import BAR_COLUMNS

__all__ = ["BY", "Preparation", "prepare"]

BY = "pawl up"
FETCHING = "fetching the history"

Preparation = Callable[[str, float], None]
"""Told what is being done, and the fraction done."""


def prepare(
    world: LiveWorld, at: datetime, history: timedelta, terms: Terms, patience: Patience, told: Preparation
) -> ModelVersion:
    """Fetch the history before `at`, train a first version on it and let it serve; what stands already is kept.

    Cut off at any point it goes on where it stopped. RefusalError where the first version could not be measured.
    """
    timeframe = world.learner.spec.timeframe
    order = BackfillOrder(
        tickers=world.tickers, timeframe=timeframe, start=at - history, end=at, calendar=world.calendar
    )
    with world.ledger.reading() as tx:
        serving = champion(tx, world.name)
    if serving is not None:
        return serving
    # One stage, however many pages it takes.
    run_backfill(world.workspace.silver, world.source, order, patience, at, lambda what, done: told(FETCHING, done))
    _keep_history(world, at)
    version = _first_version(world, at, told)
    told("asking the gate", 0.0)
    return _let_serve(world, version, terms, at)


def _keep_history(world: LiveWorld, at: datetime) -> None:
    """Keep what the first version is trained on, as a page that was received."""
    bars = world.workspace.silver.scan(world.learner.spec.timeframe, world.tickers).select(BAR_COLUMNS).collect()
    payload = {"source": world.source.name, "page": keep_page(world.workspace.home, bars)}
    with world.ledger.transaction() as tx:
        log_live(tx, [LiveEntry(learner=world.name, at=at, kind="received", name=HISTORY, payload=payload)])


def _first_version(world: LiveWorld, at: datetime, told: Preparation) -> ModelVersion:
    """A version that was trained before and serves nothing yet, else a new one."""
    with world.ledger.reading() as tx:
        standing = [one.version for one in list_versions(tx, world.name) if one.status == "challenger"]
    if standing:
        return standing[-1]
    order = TrainingOrder(
        to=at,
        now=at,
        seed=world.seed,
        costs=world.costs,
        limits=world.limits,
        tickers=world.tickers,
        n_jobs=world.n_jobs,
    )
    trained = train(world.workspace, world.learner, order, told)
    return trained.record.version


def _let_serve(world: LiveWorld, version: ModelVersion, terms: Terms, at: datetime) -> ModelVersion:
    with world.ledger.reading() as tx:
        report = newest_report(tx, version)
    if report is None or report.baseline is not None:
        report = judge_version(world.workspace, world.learner, version, terms, at)
    if not report.verdict.passed:
        raise RefusalError(
            f"`{version}`, the first version, could not be measured: {'; '.join(report.verdict.reasons)}",
            where="pawl up",
            fix=f"see pawl gate explain {version}; give it a longer history",
        )
    reason = "; ".join(report.verdict.reasons)
    payload = {"version": version, "eval_id": str(report.eval_id), "reason": reason}
    with world.ledger.transaction() as tx:
        announce_move(tx, promote(tx, version, report.eval_id, Move(by=BY, reason=reason, at=at)))
        log_live(tx, [LiveEntry(learner=world.name, at=at, kind="act", name="first version", payload=payload)])
    return version
