"""The calendar of a ticker in the silver store: given, inferred, changed."""

import os
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pawl.errors import InputError, StorageError
from pawl.lake.silver import SilverStore
from pawl.market.calendars import FX, Calendar, open_times
from silver_store import DAILY, MakeBars, counts, put


def weekdays(make_bars: MakeBars, ticker: str, n: int, calendar: Calendar) -> pl.DataFrame:
    times = open_times(calendar, DAILY, datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 12, 1, tzinfo=UTC)).head(n)
    return make_bars(ticker, len(times)).with_columns(ts=times)


def test_the_calendar_is_inferred_a_ticker_and_kept(store: SilverStore, make_bars: MakeBars) -> None:
    exchange = Calendar("XNYS")
    bars = pl.concat([make_bars("COIN", 300), weekdays(make_bars, "SHARE", 300, exchange)])
    merge = put(store, bars)
    assert {name: entry.code for name, entry in merge.calendars.items()} == {"COIN": "24/7", "SHARE": "XNYS"}
    entry = SilverStore(store._root.parent).calendars(DAILY)["SHARE"]
    assert (entry.code, entry.is_inferred, entry.calendar) == ("XNYS", True, exchange)
    share = store.scan(DAILY, ["SHARE"]).collect()
    assert set((share["available_at"] - share["ts"]).dt.total_hours()) <= {17, 18, 20, 21}


def test_an_inferred_calendar_follows_while_bars_are_few(store: SilverStore, make_bars: MakeBars) -> None:
    bars = weekdays(make_bars, "SHARE", 60, Calendar("XNYS"))
    assert put(store, bars.head(4)).calendars["SHARE"].code == "24/7"
    assert put(store, bars).calendars["SHARE"].code == "XNYS"
    whole = SilverStore(store._root.parent / "other")
    put(whole, bars)
    assert_frame_equal(store.scan(DAILY).collect(), whole.scan(DAILY).collect())


def test_another_calendar_re_derives_every_bar(store: SilverStore, make_bars: MakeBars) -> None:
    bars = weekdays(make_bars, "X", 300, Calendar("XNYS"))
    put(store, bars.head(299), FX)
    assert set(
        (store.scan(DAILY).select(pl.col("available_at") - pl.col("ts")).collect().to_series()).dt.total_hours()
    ) == {24}
    merge = put(store, bars.tail(1), Calendar("XNYS"))
    assert counts(merge) == (1, 0, 0, 0)
    silver = store.scan(DAILY).collect()
    assert set(silver["session"].diff().drop_nulls()) == {1}
    assert silver["available_at"].dt.hour().max() <= 21  # type: ignore[operator]
    assert put(store, bars, None).calendars["X"].is_inferred is False, "a given calendar stands against auto"


def test_a_calendar_that_cannot_be_right_is_refused_and_changes_nothing(
    store: SilverStore, make_bars: MakeBars
) -> None:
    put(store, make_bars("COIN", 200))
    before = store.content_hash(DAILY)
    with pytest.raises(InputError, match=r"of 300 bars of COIN lie outside the calendar XNYS"):
        put(store, make_bars("COIN", 300), Calendar("XNYS"))
    assert store.content_hash(DAILY) == before
    assert store.calendars(DAILY)["COIN"].code == "24/7"


def test_a_stray_bar_off_the_calendar_goes_to_quarantine(store: SilverStore, make_bars: MakeBars) -> None:
    bars = weekdays(make_bars, "EURUSD", 300, FX)
    saturday = make_bars("EURUSD", 1, start=datetime(2023, 3, 4, tzinfo=UTC))
    assert put(store, pl.concat([bars, saturday])).reasons == {"off_calendar": 1}


def test_a_session_holds_one_bar(store: SilverStore, make_bars: MakeBars) -> None:
    put(store, make_bars("A", 10))
    shifted = make_bars("A", 3, start=datetime(2024, 1, 9, 6, tzinfo=UTC))  # the 9th and 10th are taken
    merge = put(store, shifted)
    assert counts(merge) == (1, 0, 0, 2)
    assert merge.reasons == {"second_bar_in_session": 2}


def test_a_change_of_calendar_that_was_cut_short_is_completed_by_the_next_reader(
    store: SilverStore, make_bars: MakeBars, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = weekdays(make_bars, "X", 400, Calendar("XNYS"))
    put(store, bars, FX)
    original, done = os.replace, []

    def dying(source: Path, target: Path) -> None:
        if str(target).endswith(".parquet") and done:
            raise KeyboardInterrupt
        done.append(target)
        original(source, target)

    monkeypatch.setattr(os, "replace", dying)
    with pytest.raises((KeyboardInterrupt, StorageError)):
        put(store, bars, Calendar("XNYS"))
    monkeypatch.undo()
    whole = SilverStore(store._root.parent / "other")
    put(whole, bars, Calendar("XNYS"))
    assert_frame_equal(store.scan(DAILY).collect(), whole.scan(DAILY).collect())
    assert store.calendars(DAILY)["X"].is_settled
