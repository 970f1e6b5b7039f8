"""Calendars: ordinals without holes, closes to the minute, and the right guess."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.errors import InputError
from pawl.market.bars import Timeframe
from pawl.market.calendars import ALWAYS, FX, Calendar, first_bar_after, infer_calendar, misfit, open_times, stamp

DAILY, HOURLY, QUARTER = Timeframe.parse("1d"), Timeframe.parse("1h"), Timeframe.parse("15m")
XNYS = Calendar("XNYS")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def stamped(instants: list[datetime], calendar: Calendar, timeframe: Timeframe) -> pl.DataFrame:
    return stamp(pl.DataFrame({"ts": instants}, schema={"ts": pl.Datetime("us", "UTC")}), calendar, timeframe)


def is_fx_open(instant: datetime) -> bool:
    """The FX week, told independently with zoneinfo."""
    local = instant.astimezone(ZoneInfo("America/New_York"))
    day, hour = local.weekday(), local.hour
    return (day == 6 and hour >= 17) or day in (0, 1, 2, 3) or (day == 4 and hour < 17)


def test_a_bar_of_a_market_that_never_closes_is_visible_one_length_later() -> None:
    bar = stamped([utc(2024, 2, 29, 23)], ALWAYS, HOURLY)
    assert bar["available_at"][0] == utc(2024, 3, 1)
    assert bar["session"][0] == int(utc(2024, 2, 29, 23).timestamp()) // 3600


@given(st.integers(0, 15 * 8766).map(lambda hours: utc(2015, 1, 1) + timedelta(hours=hours)))
def test_an_fx_hour_has_a_session_exactly_when_new_york_says_the_week_is_open(instant: datetime) -> None:
    assert (stamped([instant], FX, HOURLY)["session"][0] is not None) == is_fx_open(instant)


@pytest.mark.parametrize("timeframe", ["15m", "1h", "4h", "1d"])
def test_fx_sessions_count_up_by_one_through_weekends_and_clock_changes(timeframe: str) -> None:
    length = Timeframe.parse(timeframe)
    times = open_times(FX, length, utc(2023, 1, 1), utc(2025, 1, 1))
    assert set(stamp(times.alias("ts").to_frame(), FX, length)["session"].diff().drop_nulls()) == {1}


def test_four_hour_fx_bars_that_open_with_new_york_count_up_too() -> None:
    opening = datetime(2024, 1, 7, 17, tzinfo=ZoneInfo("America/New_York"))
    weeks = [(opening + timedelta(weeks=week)).astimezone(UTC) for week in range(30)]
    bars = [start + timedelta(hours=4) * slot for start in weeks for slot in range(30)]
    assert set(stamped(bars, FX, Timeframe.parse("4h"))["session"].diff().drop_nulls()) == {1}


def test_a_daily_fx_bar_counts_the_same_at_midnight_and_at_the_new_york_close() -> None:
    at_midnight = stamped([utc(2024, 7, 8)], FX, DAILY)["session"][0]
    at_close = stamped([utc(2024, 7, 7, 21)], FX, DAILY)["session"][0]
    friday = stamped([utc(2024, 7, 5)], FX, DAILY)["session"][0]
    assert at_midnight == at_close == friday + 1


def test_saturdays_lie_outside_the_fx_week() -> None:
    saturday = stamped([utc(2024, 7, 6, 12)], FX, HOURLY)
    assert saturday["session"][0] is None
    assert saturday["available_at"][0] is None


@pytest.mark.parametrize(
    ("day", "close"),
    [
        (utc(2024, 1, 16), utc(2024, 1, 16, 21)),  # winter
        (utc(2024, 7, 2), utc(2024, 7, 2, 20)),  # summer
        (utc(2024, 7, 3), utc(2024, 7, 3, 17)),  # 13:00 in New York, the day before the holiday
        (utc(2024, 11, 29), utc(2024, 11, 29, 18)),  # the day after Thanksgiving
    ],
)
def test_an_equity_bar_becomes_visible_at_its_sessions_close(day: datetime, close: datetime) -> None:
    assert stamped([day], XNYS, DAILY)["available_at"][0] == close


def test_a_holiday_is_no_session_and_leaves_no_hole() -> None:
    around = stamped([utc(2024, 1, 12), utc(2024, 1, 15), utc(2024, 1, 16)], XNYS, DAILY)  # Martin Luther King day
    first, holiday, after = around["session"]
    assert holiday is None
    assert after == first + 1


def test_equity_ordinals_are_counted_from_a_pinned_day() -> None:
    assert stamped([utc(1990, 1, 2)], XNYS, DAILY)["session"][0] == 0
    # The New York exchange's own count of trading days by year, 1990 to 2023.
    nineties, noughties = [253, 253, 254, 253, 252, 252, 254, 253, 252, 252], [252, 248, *[252] * 4, 251, 251, 253, 252]
    since = [252, 252, 250, 252, 252, 252, 252, 251, 251, 252, 253, 252, 251, 250]
    assert stamped([utc(2024, 1, 2)], XNYS, DAILY)["session"][0] == sum(nineties + noughties + since)


@pytest.mark.parametrize(("calendar", "timeframe"), [(XNYS, "1h"), (FX, "7m"), (FX, "2h")])
def test_a_length_the_calendar_lacks_is_refused(calendar: Calendar, timeframe: str) -> None:
    with pytest.raises(InputError, match="no bars of"):
        stamped([utc(2024, 1, 2)], calendar, Timeframe.parse(timeframe))


def test_an_unknown_calendar_is_refused_with_the_known_kinds() -> None:
    with pytest.raises(InputError, match="24/7, fx or XNYS"):
        Calendar.parse("NYSE-ish")


@pytest.mark.parametrize("code", ["24/7", "fx", "XNYS"])
def test_a_calendars_own_bars_are_explained_by_it_best(code: str) -> None:
    times = open_times(Calendar(code), DAILY, utc(2023, 1, 1), utc(2024, 1, 1))
    assert infer_calendar(times, DAILY).code == code
    assert misfit(times, Calendar(code), DAILY) == 0


def test_another_exchange_is_found_when_the_usual_ones_do_not_fit() -> None:
    times = open_times(Calendar("XTKS"), DAILY, utc(2022, 1, 1), utc(2024, 1, 1))
    assert infer_calendar(times, DAILY).code == "XTKS"


def test_a_tie_goes_to_the_calendar_that_shows_bars_latest() -> None:
    four_weekdays = open_times(XNYS, DAILY, utc(2024, 7, 8), utc(2024, 7, 12))
    assert infer_calendar(four_weekdays, DAILY) == ALWAYS
    two_weeks = open_times(XNYS, DAILY, utc(2024, 7, 8), utc(2024, 7, 20))
    assert infer_calendar(two_weeks, DAILY) == FX


def test_every_second_day_of_a_market_that_never_closes_is_not_taken_for_an_exchange() -> None:
    times = open_times(ALWAYS, DAILY, utc(2022, 1, 1), utc(2024, 1, 1)).gather_every(2)
    assert infer_calendar(times, DAILY) == ALWAYS


def test_open_times_begin_on_the_grid_and_stop_before_the_end() -> None:
    assert open_times(ALWAYS, HOURLY, utc(2024, 1, 1, 0, 30), utc(2024, 1, 1, 3)).to_list() == [
        utc(2024, 1, 1, 1),
        utc(2024, 1, 1, 2),
    ]


def test_the_first_bar_after_an_instant_leaves_the_embargo_in_bars_of_the_calendar() -> None:
    # Friday's close, then five whole sessions (15 January is a holiday): 16, 17, 18, 19 and 22 January lie between.
    assert first_bar_after(utc(2024, 1, 12, 21), 5, XNYS, DAILY) in (utc(2024, 1, 22), utc(2024, 1, 23))
    assert first_bar_after(utc(2024, 1, 1), 5, ALWAYS, DAILY) in (utc(2024, 1, 6), utc(2024, 1, 7))


@pytest.mark.parametrize(
    ("file", "timeframe", "code"),
    [("crypto_1d", "1d", "24/7"), ("equities_1d", "1d", "XNYS"), ("fx_15m", "15m", "fx"), ("fx_1h", "1h", "fx")],
)
def test_the_calendar_of_real_bars_is_inferred(shared_data: Path, file: str, timeframe: str, code: str) -> None:
    bars = pl.read_parquet(shared_data / "bars" / f"{file}.parquet")
    length = Timeframe.parse(timeframe)
    for _, rows in bars.group_by("ticker"):
        assert infer_calendar(rows["ts"], length).code == code


def test_no_real_fx_bar_lies_outside_the_fx_week(shared_data: Path) -> None:
    bars = pl.read_parquet(shared_data / "bars" / "fx_15m.parquet")
    assert stamp(bars, FX, QUARTER)["session"].null_count() == 0
