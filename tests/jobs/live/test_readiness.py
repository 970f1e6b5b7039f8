"""Whether a loop does its work."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from live_world import BAR, START, Ledger, Market, live_world
from pawl.jobs.live.composing import Parts, live_cycles
from pawl.jobs.live.figures import LoopFigures
from pawl.jobs.live.readiness import readiness
from pawl.jobs.live.world import LiveWorld
from pawl.market.calendars import FX

NAMES = ("positions", "collection", "signals")
NOW = START + timedelta(hours=12, minutes=1)


@pytest.fixture
def world(sqlite_ledger: Ledger, tmp_path: Path) -> LiveWorld:
    return live_world(tmp_path, sqlite_ledger, Market())


def figures(newest_close: datetime | None, ran_at: dict[str, datetime]) -> LoopFigures:
    return LoopFigures(
        decisions={}, hold_share=None, pending=0, backlog=0, trainings={}, learnt={}, newest_close=newest_close,
        ran_at=ran_at,
    )  # fmt: skip


def wrong(world: LiveWorld, found: LoopFigures, now: datetime = NOW) -> dict[str, str]:
    checks = readiness(world, live_cycles(world, Parts()), found, now).checks
    return {name: text for name, text in checks.items() if text is not None}


def test_a_loop_that_keeps_up_is_ready(world: LiveWorld) -> None:
    ran = dict.fromkeys(NAMES, NOW - timedelta(minutes=1))
    assert wrong(world, figures(NOW - timedelta(minutes=1), ran)) == {}
    assert wrong(world, figures(None, {})) == {
        "newest_bar": "no bar yet", **dict.fromkeys(NAMES, "has not run yet")
    }  # fmt: skip


def test_a_late_cycle_and_an_old_bar_are_named(world: LiveWorld) -> None:
    ran = {"positions": NOW - timedelta(minutes=9), "collection": NOW - 2 * BAR, "signals": NOW - timedelta(minutes=1)}
    found = wrong(world, figures(NOW - 4 * BAR, ran))
    assert set(found) == {"positions", "collection", "newest_bar"}
    assert found["newest_bar"] == "the newest bar closed at 2026-03-02T11:01:00Z"
    # The bar that closed a minute ago may still be on its way.
    assert "signals" not in wrong(world, figures(NOW, dict.fromkeys(NAMES, NOW - timedelta(minutes=2))))


def test_over_a_weekend_no_bar_is_missing(sqlite_ledger: Ledger, tmp_path: Path) -> None:

    world = replace(live_world(tmp_path, sqlite_ledger, Market()), calendar=FX)
    friday, sunday = datetime.fromisoformat("2026-03-06T22:00Z"), datetime.fromisoformat("2026-03-08T12:00Z")
    assert "newest_bar" not in wrong(world, figures(friday, {}), sunday)
    assert "newest_bar" in wrong(world, figures(friday - timedelta(hours=2), {}), sunday)
