"""What the triggers see of a live world: returns, feeds over a weekend, and nothing after the instant."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from live_market import AT, BAR, QUARTER, add_bars, grid, live_world, say, serve_first
from pawl.jobs.live.feature_memory import FeatureMemory
from pawl.jobs.live.trigger_history import trigger_history
from pawl.jobs.live.watched_world import WatchedWorld
from pawl.ledger.database import Ledger
from pawl.market.bars import BAR_SCHEMA
from pawl.market.calendars import FX
from pawl.triggers.history import Feed, History
from pawl.triggers.trigger_config import TriggerSettings

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def look(world: WatchedWorld, at: object) -> History:
    with world.ledger.reading() as tx:
        return trigger_history(tx, world, TriggerSettings(), at, FeatureMemory())  # type: ignore[arg-type]


def feeds(history: History) -> dict[str, Feed]:
    return {one.ticker: one for one in history.feeds or ()}


@pytest.fixture
def world(tmp_path: Path, sqlite_ledger: Ledger) -> WatchedWorld:
    """A market that never closes."""
    return live_world(tmp_path, sqlite_ledger)


@pytest.fixture
def fx_world(tmp_path: Path, sqlite_ledger: Ledger) -> WatchedWorld:
    """A market that closes for the weekend."""
    return live_world(tmp_path, sqlite_ledger, FX)


def test_returns_are_those_of_the_stored_closes(world: WatchedWorld) -> None:
    add_bars(world, grid(AT - 5 * DAY, AT))
    bars = world.workspace.silver.scan(QUARTER).filter(pl.col("ticker") == "USDJPY").collect()
    history = look(world, AT)
    assert history.returns is not None
    expected = np.diff(np.log(bars["close"].to_numpy()))
    assert np.allclose(history.returns.values[:, 1], expected, rtol=0, atol=1e-12)
    assert history.returns.at[-1] == np.datetime64(AT.replace(tzinfo=None))


def test_nothing_after_the_instant_is_seen(world: WatchedWorld) -> None:
    """The history of an instant is the same whether the loop has gone on since or not."""
    with world.ledger.transaction() as tx:
        serve_first(tx)
        for k in range(200):
            say(tx, AT - (150 - k) * BAR, "buy" if k % 3 else "hold", None if k % 3 == 0 else 0.001)
    add_bars(world, grid(AT - 5 * DAY, AT + DAY))
    early, late = look(world, AT), look(world, AT + DAY)
    for part in ("outcomes", "decisions", "returns"):
        seen, more = getattr(early, part), getattr(late, part)
        assert 0 < seen.at.size < more.at.size
        assert seen.at.tolist() == more.at[: seen.at.size].tolist()
        assert seen.at[-1] <= np.datetime64(AT.replace(tzinfo=None))


def test_a_weekend_is_neither_a_hole_nor_a_day(fx_world: WatchedWorld) -> None:
    """96 bars are a day, wherever the weekend lies among them: on Saturday, on Sunday's first bars, on Monday."""
    add_bars(fx_world, grid(AT - 14 * DAY, AT + DAY, FX))
    midnight = AT.replace(hour=0)
    for at in (midnight - 36 * HOUR, midnight - 2 * HOUR, midnight - HOUR, AT):
        assert {(one.n_expected, one.n_present, one.n_owed) for one in feeds(look(fx_world, at)).values()} == {
            (96, 96, 0)
        }


def test_what_a_ticker_owes_is_counted_behind_its_newest_bar(world: WatchedWorld) -> None:
    add_bars(world, grid(AT - 5 * DAY, AT))
    opened = grid(AT, AT + 3 * HOUR)
    add_bars(world, opened, tickers=["USDJPY"])
    add_bars(world, [opened[2]], tickers=["EURUSD"])  # one came, the two before it and nine after it did not
    found = feeds(look(world, AT + 3 * HOUR))
    # The bar that has just closed may be on its way.
    assert (found["EURUSD"].n_owed, found["EURUSD"].n_present) == (8, 96 - 10)
    assert (found["USDJPY"].n_owed, found["USDJPY"].n_present) == (0, 96)


def test_a_ticker_owes_nothing_from_before_its_first_bar(world: WatchedWorld) -> None:
    add_bars(world, grid(AT - 6 * HOUR, AT))
    assert {(one.n_expected, one.n_present) for one in feeds(look(world, AT)).values()} == {(23, 23)}


def test_refused_rows_of_the_last_day_are_counted(world: WatchedWorld) -> None:
    add_bars(world, grid(AT - 5 * DAY, AT))
    bad = {"open": 1.0, "high": 0.5, "low": 0.9, "close": 1.0, "volume": 1.0}  # its high lies below its low
    for days in (0, 2):
        row = pl.DataFrame([{"ticker": "EURUSD", "ts": AT - DAY / 2 - days * DAY, **bad}]).cast(dict(BAR_SCHEMA))
        world.workspace.silver.merge(row, QUARTER, world.calendar, source="test", now=AT - days * DAY)
    assert (feeds(look(world, AT))["EURUSD"].n_refused, feeds(look(world, AT))["USDJPY"].n_refused) == (1, 0)


def test_an_empty_store_has_no_feed(world: WatchedWorld) -> None:
    history = look(world, AT)
    assert history.returns is None and history.feeds == () and history.features is None
