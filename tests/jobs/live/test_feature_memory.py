"""What is remembered between looks is what a process that has just begun would read."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from live_market import AT, BAR, add_features, live_world
from pawl.jobs.live.feature_memory import FeatureMemory
from pawl.jobs.live.watched_world import WatchedWorld
from pawl.ledger.database import Ledger
from pawl.triggers.history import FeatureRows
from pawl.triggers.trigger_config import TriggerSettings

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SETTINGS = TriggerSettings(adwin_delta=0.01)


@pytest.fixture
def world(tmp_path: Path, sqlite_ledger: Ledger) -> WatchedWorld:
    """Two pairs with 80 days of hourly features up to AT, one of which moves in the middle."""
    found = live_world(tmp_path, sqlite_ledger)
    opened = [AT - n * HOUR for n in range(24 * 80, 0, -1)]
    values = np.random.default_rng(3).standard_normal((len(opened), 2, 2))
    values[24 * 40 :, 0, 0] += 2.0
    values[5, 1, 1] = 1e6  # a feature that is missing would be null; this one is only far out
    skipped = 24 * 10  # an hour that comes late
    add_features(found, opened[:skipped] + opened[skipped + 1 :], np.delete(values, skipped, axis=0))
    return found


def read(world: WatchedWorld, memory: FeatureMemory, at: object) -> FeatureRows:
    with world.ledger.reading() as tx:
        found = memory.rows(tx, world, SETTINGS, at)  # type: ignore[arg-type]
    assert found is not None
    return found


def same(one: FeatureRows, other: FeatureRows) -> bool:
    return (
        one.at.tolist() == other.at.tolist()
        and np.array_equal(one.values, other.values, equal_nan=True)
        and one.changed_at.tolist() == other.changed_at.tolist()
    )


def test_a_memory_that_grew_is_one_that_was_just_made(world: WatchedWorld) -> None:
    """At every look of ten days, over the 30-day edge at which detectors start anew, with looks left out."""
    memory = FeatureMemory()
    n_changes = 0
    for hour in [*range(0, 200, 7), 400, 401, 900]:
        at = AT - 40 * DAY + hour * HOUR
        grown = read(world, memory, at)
        assert same(grown, read(world, FeatureMemory(), at))
        n_changes = max(n_changes, grown.changed_at.size)
        assert grown.at[-1] <= np.datetime64(at.replace(tzinfo=None))
    assert n_changes > 0


def test_a_row_that_comes_late_is_put_in_its_place(world: WatchedWorld) -> None:
    memory = FeatureMemory()
    before = read(world, memory, AT)
    add_features(world, [AT - 24 * 70 * HOUR], np.full((1, 2, 2), 0.5))
    after = read(world, memory, AT)
    assert after.at.size == before.at.size + 1
    assert same(after, read(world, FeatureMemory(), AT))


def test_an_earlier_instant_is_read_anew(world: WatchedWorld) -> None:
    memory = FeatureMemory()
    read(world, memory, AT)
    assert same(read(world, memory, AT - 3 * DAY), read(world, FeatureMemory(), AT - 3 * DAY))


def test_bars_between_the_hours_are_left_out(world: WatchedWorld) -> None:
    before = read(world, FeatureMemory(), AT)
    add_features(world, [AT - 30 * HOUR + BAR], np.full((1, 2, 2), 9.0))
    assert same(before, read(world, FeatureMemory(), AT))
    assert before.names == ("EURUSD ret_1", "EURUSD ret_20", "USDJPY ret_1", "USDJPY ret_20")
