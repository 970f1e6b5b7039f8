"""A live loop around one small reversal: two pairs, five weeks, and notes of what its trainings ask and say."""

import atexit
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from shutil import copytree, ignore_patterns, rmtree
from tempfile import mkdtemp
from typing import Any

import polars as pl
import sqlalchemy as sa

from pawl.evaluation.costs import Costs
from pawl.features.sets import FEATURE_SETS
from pawl.gates.policy_gate import GateSettings
from pawl.ids import DatasetHash, ModelVersion
from pawl.jobs.live.full_training import train_full
from pawl.jobs.live.training_world import Surroundings
from pawl.jobs.workspace import Workspace
from pawl.lake.proofs import ProofRecords
from pawl.learners.reversal import Reversal
from pawl.learners.reversal_daily import OUTCOME_SCHEMA
from pawl.ledger.database import Ledger
from pawl.ledger.loop_outbox import unpublished
from pawl.ledger.training_tables import train_jobs
from pawl.ledger.trigger_firings import BY_HAND
from pawl.market.bars import Timeframe
from pawl.market.calendars import FX
from pawl.market.limits import QualityLimits
from pawl.models.reversal_config import DailyConfig
from pawl.models.reversal_model import ReversalNet
from reversal_market import SMALL, fx_bars

__all__ = [
    "FIRST_AT",
    "PAIRS",
    "SUNDAY",
    "THURSDAY",
    "Notes",
    "SmallWorld",
    "always_hold",
    "events_of",
    "first_world",
    "fx_home",
    "jobs_of",
    "market_world",
    "small_world",
    "surrounded",
    "train_first",
]

QUARTERS = Timeframe.parse("15m")
PAIRS = ("EURUSD", "USDJPY")
FIRST_AT = datetime(2025, 3, 23, 1, tzinfo=UTC)
"""A Sunday: three weeks of bars have closed, and the first version is trained."""
SUNDAY = FIRST_AT + timedelta(days=7)
THURSDAY = datetime(2025, 4, 3, 2, tzinfo=UTC)
"""Of the second week after the first version: enough rows that nobody has read."""


@dataclass(slots=True)
class Notes:
    """What the trainings said: lines of the log, and candidates that were let into the traffic."""

    lines: list[tuple[str, Mapping[str, Any], datetime]] = field(default_factory=list)
    begun: list[tuple[ModelVersion, datetime]] = field(default_factory=list)

    @property
    def last(self) -> Mapping[str, Any]:
        """The newest line."""
        return self.lines[-1][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallWorld:
    """A TrainingWorld."""

    workspace: Workspace
    learner: Any
    tickers: tuple[str, ...] = PAIRS
    costs: Costs = field(default_factory=lambda: Costs(fee_bps=0.2, slippage_bps=0.2))
    limits: QualityLimits = field(default_factory=QualityLimits)
    seed: int = 7
    n_jobs: int = 1

    @property
    def ledger(self) -> Ledger:
        """Of the workspace."""
        return self.workspace.versions.ledger


def fx_home(home: Path) -> Path:
    """A workspace with five weeks of two pairs, whose features count as proved: that they are is tested elsewhere."""
    workspace = Workspace.at(home)
    bars = fx_bars().select("ticker", "ts", "open", "high", "low", "close", "volume")
    workspace.silver.merge(bars, QUARTERS, FX, source="test", now=THURSDAY)
    ProofRecords(home).put(FEATURE_SETS["reversal"], workspace.silver.content_hash(QUARTERS))
    return home


def small_world(home: Path, ledger: Ledger | None = None, *, min_rows: int = 40) -> SmallWorld:
    """The small reversal over the workspace. min_rows: that both models are compared on, at least."""
    daily = DailyConfig(min_validation_rows=min_rows)
    config = SMALL.model_copy(update={"daily": daily, "min_report_rows": 50})
    return SmallWorld(workspace=Workspace.at(home, ledger), learner=Reversal(config))


def surrounded(world: SmallWorld, notes: Notes, **changes: Any) -> Surroundings:
    """A quiet loop: no outcomes, no test, no pause."""

    def note(tx: sa.Connection, kind: str, name: str, payload: Mapping[str, Any], at: datetime) -> None:
        notes.lines.append((name, payload, at))

    around = Surroundings(
        outcomes=lambda tx, learner, after, until: pl.DataFrame(schema=OUTCOME_SCHEMA),
        has_running_test=lambda tx, learner: False,
        is_paused=lambda tx, learner, at: False,
        begin_rollout=lambda version, at: notes.begun.append((version, at)),
        note=note,
        gate=GateSettings(),
        proved_on=proved(world),
    )
    return replace(around, **changes)


def proved(world: SmallWorld) -> DatasetHash:
    """What the proof on record is of."""
    return world.workspace.silver.content_hash(QUARTERS)


def train_first(home: Path, ledger: Ledger | None = None) -> SmallWorld:
    """A world whose first version serves."""
    world = small_world(home, ledger)
    assert train_full(world, surrounded(world, Notes()), FIRST_AT, BY_HAND).is_first
    return world


@cache
def _template() -> Path:
    """The market, and what a first training leaves beside it; made once a process."""
    home = Path(mkdtemp(prefix="pawl-fx-"))
    atexit.register(rmtree, home, ignore_errors=True)
    train_first(fx_home(home)).ledger.close()
    return home


def market_world(home: Path, ledger: Ledger | None = None) -> SmallWorld:
    """A world of one's own with the market and nothing trained."""
    copytree(_template(), home, ignore=ignore_patterns("ledger.db*"), dirs_exist_ok=True)
    return small_world(home, ledger)


def first_world(home: Path, ledger: Ledger | None = None) -> SmallWorld:
    """A world of one's own whose first version serves. ledger: None for a copy of one in which it does."""
    if ledger is None:
        copytree(_template(), home, dirs_exist_ok=True)
        return small_world(home)
    market_world(home, ledger)
    return train_first(home, ledger)


def jobs_of(world: SmallWorld) -> list[sa.Row[Any]]:
    """Every training job, oldest first."""
    with world.ledger.reading() as tx:
        return list(tx.execute(sa.select(train_jobs).order_by(train_jobs.c.created_at, train_jobs.c.train_job_id)))


def events_of(world: SmallWorld, topic: str = "training_completed") -> list[dict[str, Any]]:
    """What was announced, oldest first."""
    with world.ledger.reading() as tx:
        return [one.payload for one in unpublished(tx, 1000) if one.topic == topic]


def always_hold(model: ReversalNet) -> ReversalNet:
    """The model, so sure of `hold` that it says nothing else."""
    loaded = ReversalNet.from_files(model.to_files())
    loaded.network.fully_connected.signal.bias.data[0] += 1e3
    return loaded


if __name__ == "__main__":
    train_first(Path(sys.argv[1]))
