"""A replay by the calendar as a user runs it: its bars, its ledger and journal, its answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import polars as pl

from pawl.errors import TooLittleDataError
from pawl.gates.ab_test import AbSettings
from pawl.jobs.cadence_journal import Journal
from pawl.jobs.cadence_plan import Event, events
from pawl.jobs.cadence_replay import CadenceOrder, ReplayTrainingWorld, SelectMonthly, play_cadence
from pawl.jobs.cadence_result import cadence_result
from pawl.jobs.proving import require_proof
from pawl.jobs.replay_plan import ReplayOrder, inputs_of
from pawl.jobs.workers import workers
from pawl.jobs.workspace import Workspace
from pawl.lake.atomic import locked
from pawl.lake.proofs import ProofRecords
from pawl.learners.learner import silent
from pawl.learners.reversal import Reversal
from pawl.ledger.column_types import canonical_json
from pawl.market.bars import UTC_TIME
from pawl.market.instants import latest
from pawl.registry.artifacts import ArtifactStore
from pawl.registry.versions import VersionStore

__all__ = ["Cadence", "run_cadence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """How the calendar is played. select_monthly: None leaves the months out. kinds: of events that are played."""

    ab_test: AbSettings
    select_monthly: SelectMonthly | None = None
    kinds: tuple[str, ...] = ("monthly", "weekly", "daily")
    on_event: Callable[[Event, Mapping[str, Any]], None] = lambda event, told: None


def run_cadence(
    workspace: Workspace, learner: Reversal, order: ReplayOrder, config: Mapping[str, Any], cadence: Cadence
) -> dict[str, Any]:
    """Replay by the calendar; one of the same inputs that was cut off goes on behind its last event."""
    timeframe = learner.spec.timeframe
    end = pl.lit(order.end, UTC_TIME)
    scanned = workspace.silver.scan(timeframe, order.tickers).filter(pl.col("available_at") <= end)
    bars = scanned.collect().sort("ticker", "ts")
    if bars.is_empty() or latest(bars["available_at"]) <= order.start:
        raise TooLittleDataError(
            f"no {timeframe} bar closes between {order.start:%Y-%m-%d} and {order.end:%Y-%m-%d}",
            where=str(workspace.home),
            fix="import newer bars, or choose another range",
        )
    order = replace(order, end=min(order.end, latest(bars["available_at"])))
    inputs = {**inputs_of(order, learner.spec, bars, config), "cadence": list(cadence.kinds)}
    name = sha256(canonical_json(inputs).encode()).hexdigest()[:12]
    home = workspace.home / "replays" / f"cadence-{name}"
    with locked(workspace.home / "replays" / f".cadence-{name}.lock"):
        own = replace(workspace, home=home, artifacts=ArtifactStore(home / "artifacts"), versions=VersionStore(home))
        with workers(order.n_jobs):
            proved_on = require_proof(workspace, learner.spec, bars, silent)
        ProofRecords(home).put(learner.spec.feature_set, proved_on)
        world = ReplayTrainingWorld(
            workspace=own,
            learner=learner,
            tickers=tuple(bars["ticker"].unique().sort()),
            costs=order.costs,
            limits=order.limits,
            seed=order.seed,
            n_jobs=order.n_jobs,
        )
        due = tuple(one for one in events(order.start, order.end) if one.kind in cadence.kinds)
        plan = CadenceOrder(
            start=order.start,
            end=order.end,
            events=due,
            gate=order.gate,
            ab_test=cadence.ab_test,
            proved_on=proved_on,
            select_monthly=cadence.select_monthly,
            on_event=cadence.on_event,
        )
        run = play_cadence(world, plan, bars, Journal(home / "journal.jsonl"))
        records = {str(one.version): one for one in own.versions.all()}
        result = cadence_result(learner, run, bars, order.costs, records)
    return {"from": order.start.isoformat(), "to": order.end.isoformat(), **result, "home": str(home)}
