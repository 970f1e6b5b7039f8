"""How new bars meet stored ones."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pawl.errors import InputError
from pawl.lake.merging import reconcile, split_unfinished, stamp_by_ticker
from pawl.market.bars import SILVER_SCHEMA, Timeframe
from pawl.market.calendars import ALWAYS, FX

DAILY = Timeframe.parse("1d")
DAY = timedelta(days=1)
START = datetime(2024, 1, 1, tzinfo=UTC)
MakeBars = Callable[..., pl.DataFrame]


def silver(bars: pl.DataFrame) -> pl.DataFrame:
    return stamp_by_ticker(bars, dict.fromkeys(bars["ticker"].unique().to_list(), ALWAYS), DAILY).good


def test_added_replaced_and_unchanged_are_counted(make_bars: MakeBars) -> None:
    stored = silver(make_bars("A", 10))
    moved = make_bars("A", 12).with_columns(volume=pl.when(pl.int_range(12) == 4).then(1.0).otherwise("volume"))
    merged = reconcile(stored, silver(moved))
    assert (merged.n_added, merged.n_replaced, merged.n_unchanged) == (2, 1, 9)
    assert merged.changed.height == 3
    assert_frame_equal(merged.bars.sort("ts"), silver(moved))
    assert merged.bars.schema == SILVER_SCHEMA


def test_a_second_reconciliation_changes_nothing(make_bars: MakeBars) -> None:
    once = reconcile(silver(make_bars("A", 10)), silver(make_bars("A", 12)))
    twice = reconcile(once.bars, silver(make_bars("A", 12)))
    assert (twice.n_added, twice.n_replaced, twice.n_unchanged) == (0, 0, 12)
    assert_frame_equal(twice.bars.sort("ts"), once.bars.sort("ts"))


DAYS = st.integers(0, 9)
BARS = st.dictionaries(st.tuples(st.sampled_from("AB"), DAYS, st.sampled_from([0, 12])), st.sampled_from([1.0, 2.0]))
Key = tuple[str, int, int]


def frame(bars: dict[Key, float]) -> pl.DataFrame:
    """Daily bars by ticker, day and hour. The days of B count from 5 on, so that its sessions lie among those of A."""
    rows = [
        {"ticker": ticker, "ts": START + timedelta(days=day, hours=hour), "session": day + (5 if ticker == "B" else 0)}
        | dict.fromkeys(("open", "high", "low", "close", "volume"), value)
        for (ticker, day, hour), value in bars.items()
    ]
    found = pl.DataFrame(rows, schema={name: SILVER_SCHEMA[name] for name in SILVER_SCHEMA if name != "available_at"})
    return found.with_columns(available_at=pl.col("ts") + DAY).select(SILVER_SCHEMA.names()).sort("ticker", "ts")


@given(stored=BARS, incoming=BARS)
def test_new_bars_meet_stored_ones_as_one_by_one(stored: dict[Key, float], incoming: dict[Key, float]) -> None:
    first_of_day = {(ticker, day): hour for ticker, day, hour in sorted(stored, reverse=True)}
    stored = {(ticker, day, hour): stored[ticker, day, hour] for (ticker, day), hour in first_of_day.items()}
    wanted, refused = dict(stored), set()
    for ticker, day, hour in sorted(incoming):
        if first_of_day.setdefault((ticker, day), hour) == hour:
            wanted[ticker, day, hour] = incoming[ticker, day, hour]
        else:
            refused.add((ticker, START + timedelta(days=day, hours=hour)))
    merged = reconcile(frame(stored), frame(incoming))
    assert_frame_equal(merged.bars.sort("ticker", "ts"), frame(wanted))
    assert set(merged.bad.select("ticker", "ts").iter_rows()) == refused
    assert merged.n_added == len(wanted) - len(stored)
    assert merged.n_replaced == sum(stored[key] != value for key, value in wanted.items() if key in stored)


def test_of_two_new_bars_in_one_session_the_first_stays(make_bars: MakeBars) -> None:
    noon = make_bars("A", 1, start=datetime(2024, 1, 1, 12, tzinfo=UTC))
    both = silver(pl.concat([noon, make_bars("A", 2)]))
    merged = reconcile(pl.DataFrame(schema=SILVER_SCHEMA), both)
    assert merged.bars["ts"].dt.hour().to_list() == [0, 0]
    assert merged.bad["reason"].to_list() == ["second_bar_in_session"]


def test_each_ticker_has_its_own_calendar(make_bars: MakeBars) -> None:
    bars = pl.concat([make_bars("COIN", 7), make_bars("EURUSD", 7)])  # Monday to Sunday
    stamped = stamp_by_ticker(bars, {"COIN": ALWAYS, "EURUSD": FX}, DAILY)
    assert stamped.good.group_by("ticker", maintain_order=True).len().rows() == [("COIN", 7), ("EURUSD", 5)]
    assert stamped.bad["reason"].to_list() == ["off_calendar"] * 2


def test_a_calendar_with_too_many_bars_outside_is_refused(make_bars: MakeBars) -> None:
    with pytest.raises(InputError, match="16 of 56 bars of COIN lie outside the calendar fx"):
        stamp_by_ticker(make_bars("COIN", 56), {"COIN": FX}, DAILY)


def test_a_bar_closes_at_its_instant(make_bars: MakeBars) -> None:
    bars = silver(make_bars("A", 3))
    close = bars["available_at"][1]
    assert split_unfinished(bars, close).good.height == 2
    assert split_unfinished(bars, close - timedelta(microseconds=1)).bad["reason"].to_list() == ["unfinished"] * 2
