"""The figures of a running loop as gauges."""

from pathlib import Path

import pytest

from live_market import AT, BAR, SERVING, add_bars, grid, live_world, say, serve_first
from pawl.jobs.live.monitoring import monitor
from pawl.jobs.live.monitoring_gauges import GAUGES, gauges
from pawl.jobs.live.watched_world import WatchedWorld
from pawl.ledger.database import Ledger
from pawl.triggers.trigger_config import TriggerSettings

SETTINGS = TriggerSettings()


@pytest.fixture
def world(tmp_path: Path, sqlite_ledger: Ledger) -> WatchedWorld:
    """A world in which `tiny-1.0` serves."""
    with sqlite_ledger.transaction() as tx:
        serve_first(tx)
    return live_world(tmp_path, sqlite_ledger)


def test_rev_r44_gauges_carry_the_same_figures(world: WatchedWorld) -> None:
    """REV-R44: every gauge is one that is documented; what could not be measured is absent."""
    add_bars(world, grid(AT - 10 * 96 * BAR, AT))
    with world.ledger.transaction() as tx:
        for k in range(40):
            say(tx, AT - (60 - k) * BAR, "buy", 0.001 if k % 2 else -0.001)
    found = monitor(world, AT, SETTINGS, late_sec={"signals": 2.0})
    shown = {
        (one.name, *sorted(one.labels.items())): one.value for one in gauges(found, found.measured, found.late_sec)
    }
    assert {name for name, *_ in shown} <= set(GAUGES)
    learner = ("learner", "tiny")
    assert shown["pawl_win_rate", learner, ("shadow", "false"), ("version", SERVING)] == 0.5
    assert shown["pawl_owed_bars", learner, ("ticker", "EURUSD")] == 0.0
    assert shown["pawl_cycle_late_seconds", ("cycle", "signals"), learner] == 2.0
    assert ("pawl_hold_share", learner) not in shown  # 40 decisions are too few to say
    assert shown["pawl_paused", learner] == 0.0
