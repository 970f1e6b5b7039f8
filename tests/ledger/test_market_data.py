"""Bars as they were first seen, and how they are found again."""

from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from ledger_world import START, day
from pawl.ledger.database import Ledger
from pawl.ledger.live_tables import market_data
from pawl.ledger.market_data import (
    SeenBar,
    append_market_data,
    bars_behind,
    features_hash,
    newest_bars,
    seen_bars,
)

BAR = timedelta(minutes=15)
FIRST = SeenBar(
    pair="EURUSD", timeframe="15m", timestamp=START, open=1.0, high=1.2, low=0.9, close=1.1, volume=0.0,
    closed_at=START + BAR, indicators={"ret_1": None, "rsi_14": 50.0}, feature_set="reversal", source="test",
)  # fmt: skip


def at(place: int, pair: str = "EURUSD") -> SeenBar:
    opened = START + place * BAR
    return replace(FIRST, pair=pair, timestamp=opened, closed_at=opened + BAR, close=1.0 + place / 10)


def test_rev_r2_a_bar_that_stands_stays_as_it_was_with_its_features(ledger: Ledger) -> None:
    """Written again, whatever it says now, it is no new one and changes nothing, in the same call or a later one."""
    with ledger.transaction() as tx:
        assert append_market_data(tx, [at(0), at(1), at(0, "USDJPY")], day(1)) == 3
        before = {row["timestamp"]: dict(row) for row in tx.execute(sa.select(market_data)).mappings()}
    with ledger.transaction() as tx:
        changed = replace(at(0), close=9.0, volume=7.0, indicators={"ret_1": 0.5, "rsi_14": 10.0}, source="other")
        assert append_market_data(tx, [changed, at(2)], day(2)) == 1
        assert append_market_data(tx, [changed], day(3)) == append_market_data(tx, [], day(3)) == 0
        found = seen_bars(tx, "15m", {"EURUSD": START})
        after = {row["timestamp"]: dict(row) for row in tx.execute(sa.select(market_data)).mappings()}
    assert [bar.close for bar in found["EURUSD"].values()] == [1.0, 1.1, 1.2]
    assert {instant: after[instant] for instant in before} == before


def test_each_pair_is_read_from_its_own_instant_on(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        append_market_data(tx, [at(place, pair) for pair in ("EURUSD", "USDJPY") for place in range(4)], day(1))
        since = {"EURUSD": START + 2 * BAR, "USDJPY": START + BAR, "GBPUSD": START}
        seen = {pair: len(bars) for pair, bars in seen_bars(tx, "15m", since).items()}
        behind = bars_behind(tx, "15m", since, START + 3 * BAR)
        assert seen_bars(tx, "15m", {}) == bars_behind(tx, "15m", {}, START) == {}
        assert seen_bars(tx, "1h", since)["EURUSD"] == {}
    assert seen == {"EURUSD": 2, "USDJPY": 3, "GBPUSD": 0}
    # Behind its instant, and no bar that had not closed: the one that opened at 2 closed at 3.
    opened = {pair: [(bar.timestamp - START) // BAR for bar in bars] for pair, bars in behind.items()}
    assert opened == {"EURUSD": [], "USDJPY": [2], "GBPUSD": []}


def test_the_newest_bar_is_the_last_that_had_closed(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        append_market_data(tx, [at(place) for place in range(4)], day(1))
        (newest,) = newest_bars(tx, "15m", ["USDJPY", "EURUSD"], START + 3 * BAR)
        assert newest_bars(tx, "15m", ["EURUSD"], START) == []
    assert newest.timestamp == START + 2 * BAR and newest.close == 1.2
    assert newest.features_hash == features_hash("reversal", FIRST.indicators)
