"""What the loop has measured lies where a scrape finds it, and a scrape measures nothing."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from live_market import AT, BAR, CHALLENGER, add_bars, add_features, grid, live_world, say, serve_first
from pawl.jobs.live.asking_triggers import ask_triggers
from pawl.jobs.live.measured import Measured, keep_measured, kept_measured
from pawl.jobs.live.monitoring import Standing, glance, monitor
from pawl.jobs.live.monitoring_gauges import gauges
from pawl.jobs.live.world import LiveWorld
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import LiveEntry, log_live
from pawl.ledger.measured_figures import keep_figures
from pawl.triggers.trigger_config import TriggerSettings

SETTINGS = TriggerSettings()
HOUR = timedelta(hours=1)


@pytest.fixture
def world(tmp_path: Path, ledger: Ledger, rng: np.random.Generator) -> LiveWorld:
    """A world of which every figure can be measured."""
    found = live_world(tmp_path, ledger)
    add_bars(found, grid(AT - timedelta(days=10), AT))
    opened = [AT - BAR - n * HOUR - timedelta(minutes=45) for n in range(24 * 80, 0, -1)]
    add_features(found, opened, rng.standard_normal((len(opened), 2, 2)))
    with ledger.transaction() as tx:
        serve_first(tx)
        for k in range(100):
            say(tx, AT - (120 - k) * BAR, "hold" if k < 30 else "buy", None if k < 30 else (k % 3 - 1) * 0.001)
        say(tx, AT - 30 * BAR, "sell", 0.001, version=CHALLENGER, is_shadow=True)
        skipped = {"skipped": "57 sequences of at least 100"}
        log_live(tx, [LiveEntry(learner="tiny", at=AT, kind="training", name="daily update", payload=skipped)])
    return found


@pytest.fixture
def statements(ledger: Ledger) -> Iterator[list[str]]:
    """What is asked of the database."""
    asked: list[str] = []

    def note(*arguments: Any) -> None:
        asked.append(arguments[2])

    sa.event.listen(ledger.engine, "before_cursor_execute", note)
    yield asked
    sa.event.remove(ledger.engine, "before_cursor_execute", note)


def test_a_scrape_shows_what_the_hourly_look_has_measured(world: LiveWorld) -> None:
    ask_triggers(world, AT, SETTINGS)
    whole = monitor(world, AT, SETTINGS)
    standing, known = glance(world, AT + HOUR / 2)
    assert known == whole.measured and known.at == AT
    assert known.hold_share == pytest.approx(0.3) and known.drift.feature is not None
    assert len(known.feeds) == 2 and len(known.versions) == 2 and known.skipped.n == 1
    assert {one.name: getattr(standing, one.name) for one in fields(Standing)} == {
        **{one.name: getattr(whole, one.name) for one in fields(Standing)},
        "at": AT + HOUR / 2,
    }
    shown = {(one.name, *one.labels.values()): one.value for one in gauges(standing, known)}
    assert shown == {(one.name, *one.labels.values()): one.value for one in gauges(whole, whole.measured)}
    assert shown["pawl_measured_timestamp_seconds", "tiny"] == AT.timestamp()


def test_a_scrape_reads_no_features_no_bars_and_no_run_of_signals(world: LiveWorld, statements: list[str]) -> None:
    """Those are what grows with the pairs and the days."""
    ask_triggers(world, AT, SETTINGS)
    assert any("market_data" in one for one in statements)
    statements.clear()
    glance(world, AT + HOUR)
    assert statements and not [one for one in statements if "market_data" in one or "live_log" in one]
    (of_signals,) = [one for one in statements if "trading_signals" in one]
    assert "actual_outcome IS NULL" in of_signals  # those that are open, by their index


def test_before_the_first_look_what_takes_one_is_absent(world: LiveWorld) -> None:
    ask_triggers(world, AT, SETTINGS)
    standing, known = glance(world, AT - BAR)
    assert known is None
    names = {one.name for one in gauges(standing, known)}
    assert "pawl_paused" in names and not names & {"pawl_feature_drift_psi", "pawl_owed_bars", "pawl_win_rate"}


def test_figures_of_another_pawl_are_as_if_nobody_had_looked(world: LiveWorld) -> None:
    with world.ledger.transaction() as tx:
        keep_figures(tx, "tiny", {"at": AT.isoformat(), "drift": "none"}, AT)
        assert kept_measured(tx, "tiny", AT) is None


def test_a_look_that_is_repeated_takes_the_place_of_no_later_one(world: LiveWorld) -> None:
    found = monitor(world, AT, SETTINGS).measured
    with world.ledger.transaction() as tx:
        later = Measured(**{one.name: getattr(found, one.name) for one in fields(Measured)} | {"at": AT + HOUR})
        keep_measured(tx, "tiny", later)
        keep_measured(tx, "tiny", found)
        assert kept_measured(tx, "tiny", AT + HOUR) == later
