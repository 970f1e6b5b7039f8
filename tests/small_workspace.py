"""A workspace with a small simulated market and a small m002, for every room that needs a trained version."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pawl.evaluation.costs import Costs
from pawl.features.sets import FEATURE_SETS
from pawl.jobs import demo, demo_market
from pawl.jobs.training import TrainedVersion
from pawl.jobs.training_data import TrainingOrder
from pawl.jobs.workspace import Workspace
from pawl.lake.proofs import ProofRecords
from pawl.learners.m002 import M002
from pawl.learners.m002_config import M002Config
from pawl.market.bars import Timeframe
from pawl.market.calendars import ALWAYS
from pawl.market.limits import QualityLimits
from pawl.market.simulated import MarketSpec, simulate
from pawl.models.head_config import HeadConfig
from pawl.models.regime_config import RegimeConfig

START = datetime(2021, 1, 1, tzinfo=UTC)
TO = datetime(2022, 10, 1, tzinfo=UTC)
NOW = datetime(2024, 1, 1, tzinfo=UTC)
DAILY = Timeframe.parse("1d")
SMALL = M002Config(
    regime=RegimeConfig(hidden=8, max_epochs=2), head=HeadConfig(n_estimators=20, min_child_samples=20), n_folds=2
)

SMALL_SETTINGS = f"""
n_jobs = 1
[m002]
n_folds = {SMALL.n_folds}
[m002.regime]
hidden = {SMALL.regime.hidden}
max_epochs = {SMALL.regime.max_epochs}
[m002.head]
n_estimators = {SMALL.head.n_estimators}
min_child_samples = {SMALL.head.min_child_samples}
"""
"""The same as `settings.toml`."""


REPLAY = ("replay", "--from", "2022-03-01", "--to", "2022-09-01", "--retrain-every", "91d")
"""A command line that replays six months of the small market."""

Ask = Callable[..., tuple[int, Any]]
"""(home, *arguments) → exit code and the JSON object of a command."""


def order(**changes: object) -> TrainingOrder:
    """A training order of the small market."""
    fields = {"to": TO, "now": NOW, "seed": 7, "costs": Costs(), "limits": QualityLimits(), **changes}
    return TrainingOrder(**fields)  # type: ignore[arg-type]


def fill(workspace: Workspace, tickers: tuple[str, ...] = ("AAA", "BBB"), n_bars: int = 800) -> None:
    """Put a simulated market into a workspace."""
    bars = simulate(MarketSpec(tickers=tickers, start=START, n_bars=n_bars), np.random.default_rng(3)).bars
    workspace.silver.merge(bars, DAILY, ALWAYS, source="test", now=NOW)
    vouch(workspace)


def prepare(home: Path) -> Path:
    """The small market and its settings, for commands."""
    (home / "settings.toml").write_text(SMALL_SETTINGS)
    fill(Workspace.at(home))
    return home


def vouch(workspace: Workspace) -> None:
    """Record a passed proof of the m002 features on the bars that stand. It has tests of its own, and takes seconds."""
    ProofRecords(workspace.home).put(FEATURE_SETS["m002"], workspace.silver.content_hash(DAILY))


@dataclass(frozen=True)
class Trained:
    """A workspace and what was trained in it."""

    workspace: Workspace
    learner: M002
    result: TrainedVersion


def nobody(stage: str, fraction: float) -> None:
    """Watches the progress of a job, and says nothing."""


def shrink_demo(patch: pytest.MonkeyPatch) -> None:
    """The demo on two tickers of 800 bars, with the small m002 and nine months to replay."""
    smaller = {
        "DEMO_MARKET": MarketSpec(tickers=("ALPHA", "BRAVO"), start=START, n_bars=800, timeframe=DAILY),
        "DEMO_CONFIG": SMALL,
        "DEMO_START": datetime(2022, 3, 1, tzinfo=UTC),
        "DEMO_END": datetime(2022, 12, 1, tzinfo=UTC),
    }
    for module in (demo, demo_market):
        for name, value in smaller.items():
            patch.setattr(module, name, value)
