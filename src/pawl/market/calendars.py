"""When a market trades: the ordinal of each bar on its calendar, and the instant from which a bar may be seen.

Three kinds of calendar are known by their code: `24/7`; `fx`, a week that opens on Sunday 17:00 and closes on Friday
17:00 New York time; and the codes of exchange_calendars (`XNYS`, `XLON`, ...), whose daily bars carry the session date
at 00:00 UTC and become visible at that session's close, early closes included.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Self

import polars as pl

from pawl.errors import InputError
from pawl.market.bars import UTC_TIME, Timeframe

__all__ = ["ALWAYS", "FX", "Calendar", "first_bar_after", "fx_day", "infer_calendar", "misfit", "open_times", "stamp"]

NEW_YORK = "America/New_York"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FX_WEEK = timedelta(hours=120)  # Sunday 17:00 to Friday 17:00; clocks change while it is closed, so it never varies
FX_DAY_START = timedelta(hours=7)  # the FX day begins at 17:00 New York: seven hours later it is midnight
FIRST_MONDAY = datetime(1970, 1, 5)  # noqa: DTZ001 - New York wall time, zone taken off on purpose

# Ordinals are counted from here. The default range of exchange_calendars moves with today, and ordinals with it.
PINNED_START = date(1990, 1, 1)
PINNED_END = date(2035, 12, 31)

CLOSE_ENOUGH = 0.02  # a calendar that misses under 2 % of the bars explains them; no other is tried
OTHER_EXCHANGES = ("XLON", "XETR", "XPAR", "XTSE", "XHKG", "XTKS", "XASX")


@dataclass(frozen=True, slots=True)
class Calendar:
    """A trading calendar, named by its code.

    >>> Calendar.parse("fx")
    Calendar(code='fx')
    """

    code: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a code: `24/7`, `fx` or one of exchange_calendars; anything else is an InputError."""
        for code in (ALWAYS.code, FX.code):
            if text.lower() == code:
                return cls(code)
        import exchange_calendars

        code = text.upper()
        if code not in exchange_calendars.get_calendar_names(include_aliases=False):
            raise InputError(
                f"`{text}` is not a trading calendar", where="--calendar", fix="write auto, 24/7, fx or XNYS, XLON, ..."
            )
        return cls(code)

    @property
    def is_exchange(self) -> bool:
        """Whether its sessions come from exchange_calendars."""
        return self not in (ALWAYS, FX)

    def __str__(self) -> str:
        return self.code


ALWAYS = Calendar("24/7")
FX = Calendar("fx")


def stamp(bars: pl.DataFrame, calendar: Calendar, timeframe: Timeframe) -> pl.DataFrame:
    """Put `available_at` and `session` beside `ts`; both are null where the bar lies outside the calendar.

    bars: any frame with `ts` (UTC). Rows keep their order.
    InputError where the calendar has no bars of such a length (`fx` in steps of 7m, `XNYS` in anything but 1d).

    >>> day = pl.DataFrame({"ts": [datetime(2024, 7, 3, tzinfo=UTC)]})  # the market closed at 13:00 in New York
    >>> stamp(day, Calendar("XNYS"), Timeframe.parse("1d"))["available_at"][0].hour
    17
    """
    if calendar.is_exchange:
        if timeframe.length != DAY:
            raise _no_such_bars(calendar, timeframe, "1d")
        bars = bars.drop("available_at", "session", strict=False)
        return bars.join(_sessions(calendar.code), on="ts", how="left", maintain_order="left")
    ordinal = _always_session(timeframe) if calendar == ALWAYS else _fx_session(timeframe)
    close = pl.col("ts") + timeframe.length
    return bars.with_columns(session=ordinal).with_columns(
        available_at=pl.when(pl.col("session").is_not_null()).then(close)
    )


def open_times(calendar: Calendar, timeframe: Timeframe, start: datetime, end: datetime) -> pl.Series:
    """The `ts` of every bar the calendar expects in [start, end), ascending.

    Bars stand on the grid of 00:00 UTC; a daily FX bar on its weekday.

    >>> first, last = datetime(2024, 1, 5, tzinfo=UTC), datetime(2024, 1, 9, tzinfo=UTC)
    >>> open_times(FX, Timeframe.parse("1d"), first, last).dt.weekday().to_list()  # Friday, then Monday
    [5, 1]
    """
    if calendar.is_exchange:
        stamped = _sessions(calendar.code)
    else:
        phase = (start - datetime(1970, 1, 1, tzinfo=UTC)) % timeframe.length
        first = start if not phase else start + timeframe.length - phase
        grid = pl.datetime_range(
            first, end, timeframe.length, time_unit="us", time_zone="UTC", closed="left", eager=True
        )
        stamped = stamp(grid.alias("ts").to_frame(), calendar, timeframe)
    is_inside = pl.col("ts").is_between(pl.lit(start, UTC_TIME), pl.lit(end, UTC_TIME), closed="left")
    return stamped.filter(is_inside, pl.col("session").is_not_null())["ts"].sort()


def first_bar_after(instant: datetime, n_bars: int, calendar: Calendar, timeframe: Timeframe) -> datetime:
    """The `ts` of the first bar that opens after `n_bars` whole bars have opened and closed since the instant.

    >>> read_until = datetime(2024, 1, 5, 21, tzinfo=UTC)  # the close of a Friday; the 15th is a holiday
    >>> first_bar_after(read_until, 5, Calendar("XNYS"), Timeframe.parse("1d")).day
    16
    """
    # Three weeks more than the bars themselves fill cover any run of holidays.
    end = instant + 2 * (n_bars + 1) * timeframe.length + 21 * DAY
    opens = open_times(calendar, timeframe, instant, end)
    closes = stamp(opens.alias("ts").to_frame(), calendar, timeframe)["available_at"]
    free_from: datetime = closes[n_bars - 1] if n_bars else instant
    first: datetime = opens.filter(opens > free_from)[0]
    return first


def fx_day(instant: pl.Expr) -> pl.Expr:
    """The day that an instant (UTC) belongs to where days end at 17:00 in New York: Sunday's evening is Monday's.

    >>> sunday = pl.DataFrame({"ts": [datetime(2025, 3, 9, 20, tzinfo=UTC), datetime(2025, 3, 9, 21, tzinfo=UTC)]})
    >>> [str(day) for day in sunday.select(fx_day(pl.col("ts"))).to_series()]
    ['2025-03-09', '2025-03-10']
    """
    return (_new_york(instant) + FX_DAY_START).dt.date()


def infer_calendar(ts: pl.Series, timeframe: Timeframe) -> Calendar:
    """The calendar that explains the bars of one ticker best: hardly any lies outside it, and the fewest are missing.

    ts: open times, UTC, any order, no duplicates. A tie goes to the calendar under which a bar becomes visible latest,
    because the other mistake would show a bar before its close. No bars at all gives `24/7`.

    >>> weekdays = pl.Series([datetime(2024, 1, day, tzinfo=UTC) for day in (11, 12, 16, 17, 18)])  # 15th: a holiday
    >>> infer_calendar(weekdays, Timeframe.parse("1d")).code
    'XNYS'
    """
    candidates = [ALWAYS]
    if _has_fx_bars(timeframe):
        candidates.append(FX)
    if timeframe.length == DAY:
        candidates.append(Calendar("XNYS"))
    best = _best(ts, candidates, timeframe)
    if timeframe.length == DAY and misfit(ts, best, timeframe) > CLOSE_ENOUGH * len(ts):
        best = _best(ts, [best, *(Calendar(code) for code in OTHER_EXCHANGES)], timeframe)
    return best


def misfit(ts: pl.Series, calendar: Calendar, timeframe: Timeframe) -> int:
    """How many bars speak against a calendar: those outside it, and those missing between its first and last."""
    return sum(_against(ts, calendar, timeframe))


def _best(ts: pl.Series, candidates: Sequence[Calendar], timeframe: Timeframe) -> Calendar:
    """The first of the calendars that fit best. A bar may be missing for many reasons; one outside should not be."""
    counts = {calendar: _against(ts, calendar, timeframe) for calendar in candidates}
    possible = [calendar for calendar, (n_outside, _) in counts.items() if n_outside <= CLOSE_ENOUGH * len(ts)]
    return min(possible or candidates, key=lambda calendar: sum(counts[calendar]))


def _against(ts: pl.Series, calendar: Calendar, timeframe: Timeframe) -> tuple[int, int]:
    """Bars outside the calendar, and bars missing from it."""
    session = stamp(ts.alias("ts").to_frame(), calendar, timeframe)["session"]
    n_outside, inside = session.null_count(), session.drop_nulls()
    if inside.is_empty():
        return n_outside, 0
    first, last = inside.min(), inside.max()
    assert isinstance(first, int) and isinstance(last, int)
    return n_outside, last - first + 1 - inside.n_unique()


def _always_session(timeframe: Timeframe) -> pl.Expr:
    return pl.col("ts").dt.epoch("us") // _us(timeframe.length)


def _has_fx_bars(timeframe: Timeframe) -> bool:
    return not HOUR % timeframe.length or timeframe.length in (4 * HOUR, DAY)


def _fx_session(timeframe: Timeframe) -> pl.Expr:
    if not _has_fx_bars(timeframe):
        raise _no_such_bars(FX, timeframe, "1d, 4h, 1h or a length that divides the hour")
    length = timeframe.length
    if length == DAY:
        local = _new_york(pl.col("ts")) + FX_DAY_START
        weekday = local.dt.weekday().cast(pl.Int64)
        return pl.when(weekday <= 5).then(_fx_week(local) * 5 + weekday - 1)
    # The week is told by the bar's last instant: a 4-hour bar that opens at 20:00 UTC on Sunday holds the opening.
    local = _new_york(pl.col("ts") + length - timedelta(microseconds=1)) + FX_DAY_START
    opening = (local.dt.truncate("1w") - FX_DAY_START).dt.replace_time_zone(NEW_YORK).dt.convert_time_zone("UTC")
    n_slots = FX_WEEK // length
    slot = (pl.col("ts") - opening).dt.total_microseconds() // _us(length)
    inside = pl.when(slot.is_between(0, n_slots - 1)).then(_fx_week(local) * n_slots + slot)
    if length <= HOUR:
        return inside
    # Bars on the grid of 00:00 UTC straddle the opening and the close, so a week holds one more of them.
    first = opening.dt.truncate("4h")
    slot = (pl.col("ts") - first).dt.total_microseconds() // _us(length)
    straddling = pl.when(slot.is_between(0, n_slots)).then(_fx_week(local) * (n_slots + 1) + slot)
    return pl.when(pl.col("ts").dt.truncate("4h") == pl.col("ts")).then(straddling).otherwise(inside)


def _new_york(instant: pl.Expr) -> pl.Expr:
    return instant.dt.convert_time_zone(NEW_YORK).dt.replace_time_zone(None)


def _fx_week(local: pl.Expr) -> pl.Expr:
    return (local.dt.truncate("1w") - pl.lit(FIRST_MONDAY, pl.Datetime("us"))).dt.total_days() // 7


@lru_cache(maxsize=32)
def _sessions(code: str) -> pl.DataFrame:
    """Every session of an exchange: `ts` (its date at 00:00 UTC), `available_at` (its close), `session` (from 0)."""
    import exchange_calendars

    with warnings.catch_warnings():
        # exchange_calendars 4.13 reads its own frames in ways pandas 3.1 deprecates; its values are right.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        kind = type(exchange_calendars.get_calendar(code))
        lower, upper = kind.bound_min(), kind.bound_max()
        start = max(PINNED_START, lower.date()) if lower is not None else PINNED_START
        end = min(PINNED_END, upper.date()) if upper is not None else PINNED_END
        closes = exchange_calendars.get_calendar(code, start=str(start), end=str(end)).schedule["close"]
    sessions = pl.DataFrame({"ts": closes.index.to_numpy(), "available_at": closes.dt.tz_convert(None).to_numpy()})
    in_utc = pl.all().cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return sessions.select(in_utc).with_columns(session=pl.int_range(pl.len(), dtype=pl.Int64))


def _us(length: timedelta) -> int:
    return length // timedelta(microseconds=1)


def _no_such_bars(calendar: Calendar, timeframe: Timeframe, known: str) -> InputError:
    return InputError(
        f"no bars of {timeframe} on the calendar {calendar}", where="--calendar, --timeframe", fix=f"use {known}"
    )
