"""The demo: the whole way from bars to a proven version, offline, on a market that everybody gets alike."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from pawl.evaluation.costs import Costs
from pawl.features.findings import Proof
from pawl.jobs.backtesting import BacktestOrder
from pawl.jobs.proving import prove_bars
from pawl.jobs.reported_backtest import ReportedBacktest, Reporting, reported_backtest
from pawl.jobs.training import TrainedVersion, train
from pawl.jobs.training_data import TrainingOrder
from pawl.jobs.workers import workers
from pawl.jobs.workspace import Workspace
from pawl.lake.checking import check_silver
from pawl.lake.silver import Merge
from pawl.learners.m002 import M002
from pawl.learners.m002_config import M002Config
from pawl.market.bars import Timeframe
from pawl.market.calendars import ALWAYS
from pawl.market.checks import QualityReport
from pawl.market.limits import QualityLimits
from pawl.market.simulated import MarketSpec, simulate
from pawl.models.regime_config import RegimeConfig

__all__ = ["DEMO_MEANING", "DEMO_PROFILE", "Demo", "DemoOrder", "run_demo"]

DEMO_CONFIG = M002Config(n_folds=2, regime=RegimeConfig(patience=2))
DEMO_WINDOW = timedelta(days=730)
DEMO_PROFILE = "demo"
DEMO_MEANING = "2 out-of-fold classifiers, patience 2, a window of two years"
"""The same code with less of it, so that a newcomer waits minutes."""

DAILY = Timeframe.parse("1d")
MARKET = MarketSpec(
    tickers=("ALPHA", "BRAVO", "CEDAR", "DELTA", "ECHO", "FALCON"),
    start=datetime(2021, 1, 1, tzinfo=UTC),
    n_bars=4 * 365,
    timeframe=DAILY,
)
CUT = datetime(2024, 1, 1, tzinfo=UTC)

OnStage = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOrder:
    """What the demo follows from. now: after the market's last bar."""

    now: datetime
    seed: int
    costs: Costs
    limits: QualityLimits
    n_jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What came of each step."""

    merge: Merge
    quality: QualityReport
    proof: Proof
    trained: TrainedVersion
    tested: ReportedBacktest


def run_demo(workspace: Workspace, order: DemoOrder, on_stage: OnStage) -> Demo:
    """Simulate, check, prove, train to 2024, and score what came after. Run again, it adds a version on equal bars."""
    on_stage("simulated market", 0.0)
    bars = simulate(MARKET, np.random.default_rng(order.seed)).bars
    merge = workspace.silver.merge(bars, DAILY, ALWAYS, source="demo", now=order.now)
    on_stage("simulated market", 1.0)
    quality = check_silver(workspace.silver, DAILY, order.limits)
    learner = M002(DEMO_CONFIG)
    with workers(order.n_jobs):
        proof = prove_bars(workspace, learner.spec, workspace.silver.scan(DAILY).collect(), on_stage)
    proof.require_pass()
    training = TrainingOrder(
        start=CUT - DEMO_WINDOW,
        to=CUT,
        now=order.now,
        seed=order.seed,
        costs=order.costs,
        limits=order.limits,
        n_jobs=order.n_jobs,
    )
    trained = train(workspace, learner, training, on_stage)
    backtest = BacktestOrder(start=trained.record.certificate.first_allowed, end=None, costs=order.costs)
    reporting = Reporting(now=order.now, seed=order.seed, limits=order.limits, profile=DEMO_PROFILE)
    tested = reported_backtest(workspace, learner, trained.record.version, backtest, reporting, on_stage)
    return Demo(merge=merge, quality=quality, proof=proof, trained=trained, tested=tested)
