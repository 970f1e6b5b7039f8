"""The demo: years of a market through the whole loop in minutes, offline, on a market that everybody gets alike."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from pawl.evaluation.costs import Costs
from pawl.features.findings import Proof
from pawl.gates.policy_gate import GateSettings
from pawl.jobs.demo_market import (
    DEMO_CONFIG,
    DEMO_END,
    DEMO_MARKET,
    DEMO_MARKET_SEED,
    DEMO_RETRAIN_EVERY,
    DEMO_SEED,
    DEMO_START,
    DEMO_WINDOW,
)
from pawl.jobs.proving import prove_bars
from pawl.jobs.replay_plan import ReplayOrder
from pawl.jobs.replay_reporting import ReplayPage, write_replay_page
from pawl.jobs.replaying import SealedReplay, Watch, run_replay
from pawl.jobs.workers import workers
from pawl.jobs.workspace import Workspace
from pawl.lake.checking import check_silver
from pawl.lake.silver import Merge
from pawl.learners.m002 import M002
from pawl.market.checks import QualityReport
from pawl.market.limits import QualityLimits
from pawl.market.simulated import simulate

__all__ = ["DEMO_PROFILE", "Demo", "DemoOrder", "run_demo"]

DEMO_PROFILE = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOrder:
    """What the demo follows from beside its market. now: after the market's last bar. gate, costs: as set."""

    now: datetime
    costs: Costs
    gate: GateSettings
    limits: QualityLimits
    n_jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What came of each step."""

    merge: Merge
    quality: QualityReport
    proof: Proof
    sealed: SealedReplay
    page: ReplayPage


def run_demo(workspace: Workspace, order: DemoOrder, watch: Watch) -> Demo:
    """Simulate, check, prove, replay, and write the page. Run again, it replays the same bars to the same hash."""
    watch.on_stage("simulated market", 0.0)
    timeframe = DEMO_MARKET.timeframe
    bars = simulate(DEMO_MARKET, np.random.default_rng(DEMO_MARKET_SEED)).bars
    merge = workspace.silver.merge(bars, timeframe, DEMO_MARKET.calendar, source="demo", now=order.now)
    watch.on_stage("simulated market", 1.0)
    quality = check_silver(workspace.silver, timeframe, order.limits)
    learner = M002(DEMO_CONFIG)
    with workers(order.n_jobs):
        proof = prove_bars(workspace, learner.spec, workspace.silver.scan(timeframe).collect(), watch.on_stage)
    proof.require_pass()
    replayed = ReplayOrder(
        start=DEMO_START,
        end=DEMO_END,
        now=order.now,
        seed=DEMO_SEED,
        costs=order.costs,
        gate=order.gate,
        limits=order.limits,
        retrain_every=DEMO_RETRAIN_EVERY,
        window=DEMO_WINDOW,
        n_jobs=order.n_jobs,
    )
    sealed = run_replay(workspace, learner, replayed, DEMO_CONFIG.model_dump(mode="json"), watch)
    watch.on_stage("report", 0.0)
    page = write_replay_page(workspace, learner, sealed, DEMO_PROFILE)
    watch.on_stage("report", 1.0)
    return Demo(merge=merge, quality=quality, proof=proof, sealed=sealed, page=page)
