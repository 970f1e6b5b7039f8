"""A user's trade, sent over HTTP, is what the next daily update of `reversal` looks at again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from live_world import Market
from pawl.gates.policy_gate import GateSettings
from pawl.ids import ModelVersion
from pawl.jobs.live.daily_update import update_daily_version
from pawl.jobs.live.lineage import lineage_of, read_rows
from pawl.jobs.live.live_settings import LiveSettings
from pawl.jobs.live.surroundings import outcomes_between, surroundings_of
from pawl.jobs.live.watching_positions import watch_positions
from pawl.jobs.live.world import LiveWorld
from pawl.ledger.identity import identity
from pawl.ledger.inferences import Inference, append_inferences
from pawl.ledger.signals import NewSignal, record_signals
from serving_world import World
from training_world import PAIRS, THURSDAY, SmallWorld, first_world

FIRST = ModelVersion("reversal-3.3")
DAY, BAR = timedelta(days=1), timedelta(minutes=15)
FRIDAY = datetime(2025, 3, 28, 12, tzinfo=UTC)
"""Open of a bar that is five days old on THURSDAY: its label was known long before the last day."""
SIGNAL = NewSignal(
    pair="EURUSD", timeframe="15m", bar_timestamp=FRIDAY, model_version=FIRST, learner="reversal", signal="sell",
    confidence=0.7, features_hash="f" * 64, trace_id="t", inference_id=identity("inference", 1),
    entry_price=1.1, atr=0.001,
)  # fmt: skip


def loop_over(world: SmallWorld) -> LiveWorld:
    """A live loop of the small reversal, which has just said `sell`."""
    at = FRIDAY + BAR
    inference = Inference(
        inference_id=identity("inference", 1), trace_id="t", model_version=FIRST, learner="reversal", prompt_hash="",
        prompt_payload={}, response_payload={"decision": {"action": "short"}}, created_at=at,
    )  # fmt: skip
    with world.ledger.transaction() as tx:
        append_inferences(tx, [inference])
        record_signals(tx, [SIGNAL], at)
    return LiveWorld(
        workspace=world.workspace, learner=world.learner, tickers=PAIRS, source=Market(), costs=world.costs,
        limits=world.limits, settings=LiveSettings(), seed=7,
    )  # fmt: skip


def learnt_on(world: SmallWorld) -> pl.DataFrame:
    """What the daily update of THURSDAY reads of the bar."""
    around = surroundings_of(
        "reversal", GateSettings(), is_paused=lambda tx, name, at: False, begin_rollout=lambda version, at: None
    )
    run = update_daily_version(world, around, THURSDAY)
    assert run.version is not None
    with world.ledger.reading() as tx:
        read = read_rows(world.workspace.artifacts, lineage_of(tx, run.version))
    assert len(read) > 100
    return read.filter((pl.col("ticker") == "EURUSD") & (pl.col("ts") == FRIDAY))


@pytest.mark.parametrize("is_closed", [True, False])
def test_rev_r15_a_trade_that_a_user_closed_brings_its_old_bar_into_the_next_daily_update(
    tmp_path: Path, *, is_closed: bool
) -> None:
    """Sold at 1.1 on Friday, bought back at 1.089 on Wednesday for 1 of fees on 1,000: 100 − 10 bps."""
    world = first_world(tmp_path)
    live = loop_over(world)
    with World(world.ledger) as service:
        service.at = FRIDAY + BAR + timedelta(minutes=3)
        trade = service.opened(
            ticker="EURUSD", side="short", entry_price=1.1, stop_price=1.2, inference_id=str(SIGNAL.inference_id)
        )
        watch_positions(live, FRIDAY + 2 * BAR)
        service.at = THURSDAY - timedelta(hours=6)
        if is_closed:
            path = f"/api/quick-trades/{trade}/close"
            assert service.post(path, {"exit_price": 1.089, "fees": 1.0}).status_code == 201
        resolved_at = THURSDAY - timedelta(hours=5)
        watch_positions(live, resolved_at)
    with world.ledger.reading() as tx:
        found = outcomes_between(tx, "reversal", THURSDAY - DAY, THURSDAY).rows()
    assert found == ([("EURUSD", FRIDAY, "win", resolved_at)] if is_closed else [])
    assert len(learnt_on(world)) == int(is_closed)
