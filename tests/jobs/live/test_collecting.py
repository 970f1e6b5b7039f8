"""The collector: every closed bar once, with its features as they were first seen, whatever the source does."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from live_world import BAR, START, Ledger, Market, bar, live_world
from pawl.errors import SourceError
from pawl.features.sets import build_dataset
from pawl.jobs.live.collecting import collect
from pawl.jobs.live.received import kept_page
from pawl.jobs.live.world import LiveWorld
from pawl.lake.source import BusySourceError
from pawl.ledger.live_log import live_entries
from pawl.ledger.live_tables import market_data
from pawl.ledger.loop_outbox import unpublished
from pawl.ledger.loop_tables import loop_outbox

PAIRS = ("EURUSD", "USDJPY")


@pytest.fixture
def market() -> Market:
    """Ten bars of two pairs."""
    made = Market()
    made.goes_on(PAIRS, range(10))
    return made


@pytest.fixture
def world(ledger: Ledger, tmp_path: Path, market: Market) -> LiveWorld:
    """A loop on them."""
    return live_world(tmp_path, ledger, market, PAIRS)


def rows(world: LiveWorld) -> list[dict[str, object]]:
    """What stands of the market, oldest first."""
    with world.ledger.reading() as tx:
        order = (market_data.c.pair, market_data.c.timestamp)
        return [dict(row) for row in tx.execute(sa.select(market_data).order_by(*order)).mappings()]


def alerts(world: LiveWorld) -> list[str]:
    """What was told of anomalies, in words."""
    with world.ledger.reading() as tx:
        found = [one for one in live_entries(tx, "m002", "cycle") if one.name == "alert data_anomaly"]
    return [str(one.payload["text"]) for one in found]


def announced(world: LiveWorld) -> list[str]:
    """Every alert that was announced, in words."""
    with world.ledger.reading() as tx:
        return [one.payload["text"] for one in unpublished(tx, 100) if one.topic == "alert"]


def events(world: LiveWorld) -> list[tuple[str, str, int]]:
    """Topic, pair and number of bars of every event."""
    with world.ledger.reading() as tx:
        told = tx.execute(sa.select(loop_outbox.c.topic, loop_outbox.c.payload).order_by(loop_outbox.c.number))
        return [(topic, payload["pair"], payload["n_bars"]) for topic, payload in told]


def test_what_closed_is_stored_with_its_features(world: LiveWorld) -> None:
    at = START + 10 * BAR
    assert collect(world, at)["bars"] == 10  # the newest five of a pair that was never seen
    assert collect(world, at) == {"bars": 0}
    stored = rows(world)
    assert [row["timestamp"] for row in stored[:5]] == [START + place * BAR for place in range(5, 10)]
    assert all(row["closed_at"] == row["timestamp"] + BAR and row["ingested_at"] == at for row in stored)
    assert stored[4]["indicators"] == {"ret_1": pytest.approx(100.9 / 100.8 - 1)}
    assert stored[3]["feature_set"] == "turns"
    assert events(world) == [("new_market_data", "EURUSD", 5), ("new_market_data", "USDJPY", 5)]


def test_the_next_bar_alone_is_new(world: LiveWorld, market: Market) -> None:
    collect(world, START + 10 * BAR)
    market.goes_on(PAIRS, range(10, 11))
    assert collect(world, START + 11 * BAR)["bars"] == 2
    assert events(world)[2:] == [("new_market_data", "EURUSD", 1), ("new_market_data", "USDJPY", 1)]
    assert market.asked[-1][1] == START + 9 * BAR - world.settings.overlap_bars * BAR


def test_a_bar_that_has_not_closed_is_not_seen(world: LiveWorld, market: Market) -> None:
    market.goes_on(PAIRS, range(10, 12))
    collect(world, START + 11 * BAR - BAR / 15)
    assert max(row["timestamp"] for row in rows(world)) == START + 9 * BAR


def test_rev_r2_fetching_again_makes_no_duplicate_and_changes_nothing(world: LiveWorld) -> None:
    collect(world, START + 10 * BAR)
    before = rows(world)
    for minutes in (0, 15):
        collect(world, START + 10 * BAR + minutes / 15 * BAR)
    assert rows(world) == before and alerts(world) == []


CHANGES = {"open": 100.85, "high": 150.0, "low": 50.0, "close": 100.95, "volume": 2.0}


@pytest.mark.parametrize("name", CHANGES)
def test_rev_r2_a_changed_bar_stays_as_it_was_first_seen_and_is_told_of_once(
    world: LiveWorld, market: Market, name: str
) -> None:
    """Whatever of it changed, its features too."""
    collect(world, START + 10 * BAR)
    before = rows(world)
    market.bars[9] = {**bar("EURUSD", 9, 100.9), name: CHANGES[name]}
    for again in range(2):
        assert collect(world, START + (11 + again) * BAR)["alerts"] == 1
        assert rows(world) == before
        (told,) = announced(world)
        assert "EURUSD: the bar of 2026-03-02 02:15 came again" in told and told.removeprefix("m002: ") in alerts(world)
    # The silver store takes the correction: trainings read what the source says now.
    silver = world.workspace.silver.scan(world.learner.spec.timeframe, ["EURUSD"]).collect()
    assert silver[name][-1] == CHANGES[name]
    market.goes_on(PAIRS, range(10, 11))
    assert collect(world, START + 13 * BAR)["bars"] == 2
    stored = rows(world)
    assert [one for one in stored if one in before] == before and len(stored) == len(before) + 2


@pytest.mark.parametrize(
    "fault", [BusySourceError("503", where="market", fix="later"), SourceError("nonsense", where="market", fix="later")]
)
def test_a_source_that_does_not_answer_costs_a_turn_and_no_bar(
    world: LiveWorld, market: Market, fault: Exception
) -> None:
    collect(world, START + 10 * BAR)
    market.goes_on(PAIRS, range(10, 12))
    market.fails = [fault, fault]
    told = collect(world, START + 11 * BAR)
    assert set(told["warnings"]) == set(PAIRS) and told["bars"] == 0
    assert collect(world, START + 12 * BAR) == {"bars": 4}
    assert len({(row["pair"], row["timestamp"]) for row in rows(world)}) == len(rows(world)) == 14


def test_one_ticker_that_fails_does_not_hold_up_the_others(world: LiveWorld, market: Market) -> None:
    market.fails = [BusySourceError("503", where="market", fix="later")]
    told = collect(world, START + 10 * BAR)
    assert list(told["warnings"]) == ["EURUSD"]
    assert {row["pair"] for row in rows(world)} == {"USDJPY"}


def test_duplicate_and_broken_rows_end_in_quarantine_and_are_told_of(world: LiveWorld, market: Market) -> None:
    market.bars += [bar("EURUSD", 9, 100.9), bar("USDJPY", 10, 101.0, high=1.0)]
    told = collect(world, START + 11 * BAR)
    assert told["quarantined"] == 1 and "ohlc" in alerts(world)[0]
    assert [row["timestamp"] for row in rows(world) if row["pair"] == "USDJPY"][-1] == START + 9 * BAR


def test_a_bar_that_comes_late_is_stored_beside_the_newer_ones(world: LiveWorld, market: Market) -> None:
    late = [one for one in market.bars if one["ts"] == START + 8 * BAR]
    market.bars = [one for one in market.bars if one["ts"] != START + 8 * BAR]
    collect(world, START + 10 * BAR)
    newest = rows(world)[4]
    market.bars += late
    assert collect(world, START + 11 * BAR)["bars"] == 2
    assert START + 8 * BAR in [row["timestamp"] for row in rows(world)]
    assert newest in rows(world)


def test_what_was_received_can_be_read_again(world: LiveWorld, market: Market) -> None:
    collect(world, START + 10 * BAR)
    with world.ledger.reading() as tx:
        (entry,) = live_entries(tx, "m002", "received")
    page = kept_page(world.workspace.home, entry.payload["page"])
    assert page.height == 20 and page["close"].to_list() == [one["close"] for one in market.bars]
    assert sorted(entry.payload["asked"]) == sorted(PAIRS)


def test_features_are_those_of_the_whole_history(world: LiveWorld) -> None:
    collect(world, START + 10 * BAR)
    bars = world.workspace.silver.scan(world.learner.spec.timeframe, ["EURUSD"]).collect()
    ours = [row["indicators"]["ret_1"] for row in rows(world) if row["pair"] == "EURUSD"]  # type: ignore[index]
    assert ours == build_dataset(bars, world.learner.spec.feature_set).collect()["ret_1"].to_list()[-5:]
    assert None not in ours
