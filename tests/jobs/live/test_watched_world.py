"""A world that is looked at from outside the loop shows what the loop itself sees."""

from pathlib import Path

from live_market import AT, add_bars, grid, live_world, serve_first
from pawl.jobs.live.monitoring import monitor
from pawl.jobs.live.watched_world import Watched
from pawl.ledger.database import Ledger
from pawl.triggers.trigger_config import TriggerSettings


def test_a_look_from_outside_is_the_same(tmp_path: Path, sqlite_ledger: Ledger) -> None:
    live = live_world(tmp_path, sqlite_ledger)
    with live.ledger.transaction() as tx:
        serve_first(tx)
    add_bars(live, grid(AT.replace(day=1), AT))
    outside = Watched(workspace=live.workspace, learner=live.learner, tickers=live.tickers, calendar=live.calendar)
    inside = monitor(live, AT, TriggerSettings()).to_json()
    assert str(monitor(outside, AT, TriggerSettings()).to_json()) == str(inside)
