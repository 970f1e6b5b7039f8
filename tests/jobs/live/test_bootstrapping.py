"""An empty workspace becomes one that a loop can run in, also when it is cut off."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from live_world import Ledger, live_world
from pawl.evaluation.costs import Costs
from pawl.gates.policy_gate import GateSettings
from pawl.jobs.live import bootstrapping
from pawl.jobs.live.bootstrapping import prepare
from pawl.jobs.live.simulated_market import market_of
from pawl.jobs.live.world import LiveWorld
from pawl.jobs.verdicts import Terms
from pawl.lake.backfill import Patience
from pawl.lake.simulated_source import SimulatedSource
from pawl.ledger.deployments import list_deployments
from pawl.ledger.live_log import live_entries
from pawl.ledger.loop_outbox import unpublished
from pawl.ledger.model_versions import champion, list_versions
from quarter_hours import QuarterHours

TERMS = Terms(costs=Costs(), gate=GateSettings(), seed=7)
PATIENCE = Patience(sleep=lambda seconds: None)
MARKET = market_of(QuarterHours.spec)


@pytest.fixture
def world(sqlite_ledger: Ledger, tmp_path: Path) -> LiveWorld:
    """An empty workspace over the simulated market."""
    source = SimulatedSource(7, MARKET.calendar)
    made = live_world(tmp_path, sqlite_ledger, source, MARKET.tickers)
    return replace(made, learner=QuarterHours(), calendar=MARKET.calendar)  # type: ignore[arg-type]


def nobody(stage: str, fraction: float) -> None:
    """Is told nothing."""


def test_a_first_version_is_trained_on_the_history_and_serves(world: LiveWorld) -> None:
    at = MARKET.start
    version = prepare(world, at, MARKET.history, TERMS, PATIENCE, nobody)
    bars = world.workspace.silver.scan(world.learner.spec.timeframe).collect()
    assert bars["available_at"].max() == at and bars["ticker"].n_unique() == 2
    with world.ledger.reading() as tx:
        assert champion(tx, "tiny") == version == "tiny-1.0"
        (move,) = list_deployments(tx, "tiny")
        (act,) = live_entries(tx, "tiny", "act")
        told = [one for one in unpublished(tx, 100) if one.topic == "alias_moved"]
    assert [(one.at, one.payload["to_version"], one.payload["from_version"]) for one in told] == [(at, version, None)]
    assert told[0].payload["by"] == "pawl up" and told[0].payload["deployment_id"] == str(move.deployment_id)
    assert move.at == at and act.payload["version"] == version
    assert prepare(world, at + timedelta(days=1), MARKET.history, TERMS, PATIENCE, nobody) == version


def test_cut_off_before_the_verdict_it_goes_on_with_the_same_version(
    world: LiveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bootstrapping, "judge_version", die)
        with pytest.raises(KeyboardInterrupt):
            prepare(world, MARKET.start, MARKET.history, TERMS, PATIENCE, nobody)
    assert prepare(world, MARKET.start, MARKET.history, TERMS, PATIENCE, nobody) == "tiny-1.0"
    with world.ledger.reading() as tx:
        assert len(list_versions(tx, "tiny")) == 1
