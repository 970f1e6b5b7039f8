"""The triggers in a real loop, on its own driver and clock: REV-R42 as a process."""

import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger_world import START as LEDGER_START
from ledger_world import trained
from live_world import BAR, START, Ledger, Market, live_world, serve_version
from pawl.gates.sequence_config import SequenceSettings
from pawl.ids import ModelVersion
from pawl.jobs.live.clock import VirtualClock
from pawl.jobs.live.composing import Parts, cycles_of, live_cycles
from pawl.jobs.live.driver import Driver, Observed, Rules
from pawl.jobs.live.lease import Lease
from pawl.jobs.live.trigger_cycles import trigger_cycles
from pawl.jobs.live.world import LiveWorld
from pawl.ledger.live_tables import market_data
from pawl.ledger.loop_tables import loop_outbox
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.trigger_firings import NewFiring, is_paused, list_firings, record_firing
from pawl.triggers.trigger_config import TriggerSettings

HOUR = timedelta(hours=1)
PAIRS = ("EURUSD", "USDJPY")


@pytest.fixture
def world(sqlite_ledger: Ledger, tmp_path: Path) -> LiveWorld:
    """A loop whose source leaves out every second bar for its first eleven hours, and none after; one firing waits."""
    market = Market()
    for pair in PAIRS:
        market.goes_on([pair], range(-200, 0))
        market.goes_on([pair], range(0, 44, 2))
        market.goes_on([pair], range(44, 400))
    made = live_world(tmp_path, sqlite_ledger, market, PAIRS)
    serve_version(made, "m002-1.0", LEDGER_START)
    with sqlite_ledger.transaction() as tx:
        ask = NewFiring(
            learner="m002", kind="regime_change", effect="retrain", at=START + 11 * HOUR, reason="calm no more"
        )
        record_firing(tx, ask)
    return made


def live(world: LiveWorld, until: datetime) -> list[tuple[datetime, str]]:
    """Run the loop from START; what was trained, when and why."""
    trainings: list[tuple[datetime, str]] = []

    def train(at: datetime, cause: str) -> ModelVersion | None:
        if at < START + 11 * HOUR:
            return None  # it was not asked for yet
        trainings.append((at, cause))
        with world.ledger.transaction() as tx:
            trained(tx, "m002-1.1")
        return ModelVersion("m002-1.1")

    settings = TriggerSettings(alert_cooldown_days=0.05)
    extra = trigger_cycles(world, settings, SequenceSettings(), train)
    cycles = cycles_of("all", live_cycles(world, Parts(extra=extra)))
    rules = Rules(learner=world.name, beside=False, gap=HOUR)
    with Lease(world.ledger, world.workspace.home, "test") as lease:
        driver = Driver(world.ledger, lease, cycles, VirtualClock(START), rules, Observed())
        driver.run(START, until, threading.Event())
    return trainings


@pytest.mark.soak  # `test_learning_cycles` has a shorter pause
def test_rev_r42_a_loop_goes_on_collecting_and_deciding_while_it_is_paused(world: LiveWorld) -> None:
    """REV-R42: the holes pause the loop, which is told once; every bar that comes is stored and decided on all the
    same; the training that waits starts at the first look after the pause has lifted.
    """
    until = START + 29 * HOUR
    trainings = live(world, until)
    with world.ledger.reading() as tx:
        (pause,) = [one for one in list_firings(tx) if one.kind == "extreme_conditions"]
        assert pause.ended_at is not None
        assert is_paused(tx, "m002", pause.at) and not is_paused(tx, "m002", until)
        c = loop_outbox.c
        told = list(tx.execute(sa.select(c.payload).where(c.topic == "alert").order_by(c.number)).scalars())
        assert [one["is_over"] for one in told if one["kind"] == "pause"] == [False, True]

        def count(table: sa.Table, at: sa.Column[datetime]) -> int:
            within = (at > pause.at) & (at <= pause.ended_at)
            return int(tx.execute(sa.select(sa.func.count()).select_from(table).where(within)).scalar_one())

        n_bars = count(market_data, market_data.c.ingested_at)
        n_signals = count(trading_signals, trading_signals.c.created_at)
    n_quarters = (pause.ended_at - pause.at) // BAR
    assert n_bars > n_quarters  # two pairs, a few bars of which are left out at first
    assert n_signals == n_bars
    assert trainings == [(pause.ended_at, "regime_change")]
    assert START < pause.at < START + 13 * HOUR < pause.ended_at
