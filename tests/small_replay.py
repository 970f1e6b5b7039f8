"""A small replay over the small market: nine months, four trainings, a learner that fits in a moment."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pawl.evaluation.backtest import Costs
from pawl.gates.policy_gate import GateSettings
from pawl.jobs.replay_plan import ReplayOrder
from pawl.jobs.replaying import SealedReplay, Watch, run_replay
from pawl.jobs.workspace import Workspace
from pawl.learners.m002 import M002, M002Variant
from pawl.market.limits import QualityLimits
from small_workspace import NOW, SMALL, nobody

ORDER = ReplayOrder(
    start=datetime(2022, 3, 1, tzinfo=UTC),
    end=datetime(2022, 12, 1, tzinfo=UTC),
    now=NOW,
    seed=1,
    costs=Costs(),
    gate=GateSettings(),
    limits=QualityLimits(),
    retrain_every=timedelta(days=91),
)
WATCH = Watch(on_stage=nobody, on_step=lambda progress: None)
NAME = "lightgbm_no_regime"


def learner() -> M002:
    """The LightGBM head alone."""
    return M002(SMALL, M002Variant.BOOSTED)


def run(home: Path, order: ReplayOrder = ORDER, watch: Watch = WATCH) -> SealedReplay:
    """The replay in a workspace that holds the small market."""
    return run_replay(Workspace.at(home), learner(), order, {}, watch)
