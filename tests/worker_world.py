"""A small workspace for the workers: two learners that train in no time, a short market, and decisions of users."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np

from decision_events import chain, record, user
from pawl.cli.composition import world_of
from pawl.jobs.worker_role import World
from pawl.jobs.workspace import Workspace
from pawl.lake.proofs import ProofRecords
from pawl.ledger.database import Ledger
from pawl.market.bars import Timeframe
from pawl.market.calendars import ALWAYS
from pawl.market.simulated import MarketSpec, simulate
from pawl.settings import load_settings

__all__ = ["DECIDED", "LEARNER_FILE", "ONCE_IN_22_YEARS", "furnish", "record_chains", "settings_text", "world_at"]

DAILY = Timeframe.parse("1d")
DECIDED = datetime(2022, 5, 1, tzinfo=UTC)
ONCE_IN_22_YEARS = "{ %s = 196440 }"
"""A schedule in hours: due on 2022-06-01, behind the market and the decisions of this workspace, and then in 2044."""
LEARNER_FILE = Path(__file__).parent / "tiny_learner.py"


def settings_text(**workers: object) -> str:
    """`settings.toml` of a workspace whose workers are quick to look, to retry and to give up."""
    quick = {
        "poll_sec": 0.05,
        "batch_size": 8,
        "max_attempts": 4,
        "backoff_base_sec": 0.05,
        "backoff_max_sec": 0.4,
        "dead_after_sec": 30,
        "grace_sec": 5,
        **workers,
    }
    rows = "\n".join(f"{name} = {value}" for name, value in quick.items())
    gate = "[gate]\nmin_decisions = 30\nmin_days = 20"
    return f'n_jobs = 1\n{gate}\n[learners]\ntiny = "{LEARNER_FILE}"\n[workers]\n{rows}\n'


def furnish(home: Path, **workers: object) -> Path:
    """A workspace with a market, a proof of its features, and settings; its ledger is made by whoever opens it."""
    import importlib.util

    home.mkdir(parents=True, exist_ok=True)
    (home / "settings.toml").write_text(settings_text(**workers), encoding="utf-8")
    workspace = Workspace.at(home)
    spec = MarketSpec(tickers=("AAA", "BBB"), start=datetime(2021, 1, 1, tzinfo=UTC), n_bars=400)
    bars = simulate(spec, np.random.default_rng(3)).bars
    workspace.silver.merge(bars, DAILY, ALWAYS, source="test", now=datetime(2022, 6, 1, tzinfo=UTC))
    found = importlib.util.spec_from_file_location("tiny_learner", LEARNER_FILE)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    ProofRecords(home).put(module.Tiny.spec.feature_set, workspace.silver.content_hash(DAILY))
    return home


def world_at(home: Path) -> World:
    """What the workers of a workspace work on: the ledger that PAWL_DATABASE_URL names, else SQLite in it."""
    return world_of(load_settings(home))


def record_chains(ledger: Ledger, n: int, at: datetime = DECIDED) -> list[UUID]:
    """The three events of each of n decisions from an instant on, by seven users, in the outbox."""
    rows = [row for k in range(n) for row in chain(f"{at}/{k}", at + timedelta(minutes=5 * k), who=user(k % 7))]
    with ledger.transaction() as tx:
        return record(tx, sorted(rows, key=lambda row: row["recorded_at"]))
