"""How new bars meet stored ones."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pawl.errors import InputError
from pawl.lake.merging import reconcile, split_unfinished, stamp_by_ticker
from pawl.market.bars import SILVER_SCHEMA, Timeframe
from pawl.market.calendars import ALWAYS, FX

DAILY = Timeframe.parse("1d")
MakeBars = Callable[..., pl.DataFrame]


def silver(bars: pl.DataFrame) -> pl.DataFrame:
    return stamp_by_ticker(bars, dict.fromkeys(bars["ticker"].unique().to_list(), ALWAYS), DAILY).good


def test_added_replaced_and_unchanged_are_counted(make_bars: MakeBars) -> None:
    stored = silver(make_bars("A", 10))
    moved = make_bars("A", 12).with_columns(volume=pl.when(pl.int_range(12) == 4).then(1.0).otherwise("volume"))
    merged = reconcile(stored, silver(moved))
    assert (merged.n_added, merged.n_replaced, merged.n_unchanged) == (2, 1, 9)
    assert merged.changed.height == 3
    assert_frame_equal(merged.bars, silver(moved))
    assert merged.bars.schema == SILVER_SCHEMA


def test_a_second_reconciliation_changes_nothing(make_bars: MakeBars) -> None:
    once = reconcile(silver(make_bars("A", 10)), silver(make_bars("A", 12)))
    twice = reconcile(once.bars, silver(make_bars("A", 12)))
    assert (twice.n_added, twice.n_replaced, twice.n_unchanged) == (0, 0, 12)
    assert_frame_equal(twice.bars, once.bars)


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
