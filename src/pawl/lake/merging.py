"""How new bars meet stored ones: what is added, replaced, unchanged, and what may not enter."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pawl.errors import InputError
from pawl.market.bars import BAR_COLUMNS, BAR_SCHEMA, SILVER_SCHEMA, UTC_TIME, Timeframe
from pawl.market.calendars import Calendar, stamp

__all__ = ["Reconciled", "Stamped", "reconcile", "split_unfinished", "stamp_by_ticker"]

KEY = ["ticker", "ts"]
VALUES = [column for column in BAR_COLUMNS if column not in KEY]
MAX_OFF_CALENDAR = 0.1  # more of a ticker's rows outside its calendar, and it is the calendar that is wrong
FEW_ROWS = 10


@dataclass(frozen=True, slots=True)
class Stamped:
    """Bars on their calendars. good: SILVER_SCHEMA, sorted. bad: BAR_SCHEMA and `reason`."""

    good: pl.DataFrame
    bad: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a merge does to a store.

    bars: SILVER_SCHEMA, all that are there then, in no order. changed: `ticker`, `ts` of what was added or replaced.
    bad: BAR_SCHEMA and `reason`, new bars whose session another `ts` already fills.
    """

    bars: pl.DataFrame
    changed: pl.DataFrame
    bad: pl.DataFrame
    n_added: int
    n_replaced: int
    n_unchanged: int


def stamp_by_ticker(bars: pl.DataFrame, calendars: dict[str, Calendar], timeframe: Timeframe) -> Stamped:
    """Give every bar its `available_at` and `session`; bars outside their ticker's calendar are bad.

    bars: at least BAR_SCHEMA. calendars: one for every ticker in bars. InputError when so many bars of one ticker lie
    outside its calendar that the calendar cannot be the right one.
    """
    good, bad = [pl.DataFrame(schema=SILVER_SCHEMA)], []
    for calendar in sorted(set(calendars.values()), key=str):
        tickers = [ticker for ticker, its_calendar in calendars.items() if its_calendar == calendar]
        stamped = stamp(bars.filter(pl.col("ticker").is_in(tickers)), calendar, timeframe)
        is_on = pl.col("session").is_not_null()
        good.append(stamped.filter(is_on).select(SILVER_SCHEMA.names()))
        off = stamped.filter(~is_on).select(BAR_COLUMNS)
        _refuse_wrong_calendar(off, stamped, calendar)
        bad.append(off)
    return Stamped(
        good=pl.concat(good).sort(KEY),
        bad=pl.concat([pl.DataFrame(schema=BAR_SCHEMA), *bad]).with_columns(reason=pl.lit("off_calendar")),
    )


def reconcile(stored: pl.DataFrame, incoming: pl.DataFrame) -> Reconciled:
    """Merge new bars into stored ones by (ticker, ts); doing it again changes nothing.

    stored, incoming: SILVER_SCHEMA, each unique by (ticker, ts). A session keeps the bar that stood there first.
    """
    # Most of a store lies before all that comes, and meets none of it.
    lies_before = pl.all_horizontal(pl.col(name) < pl.lit(incoming[name].min()) for name in ("ts", "session"))
    lies_before = lies_before.fill_null(value=False)
    before, stored = stored.filter(lies_before), stored.filter(~lies_before)
    occupied = stored.select("ticker", "session", held_ts="ts")
    ranked = incoming.sort(KEY).join(occupied, on=["ticker", "session"], how="left", maintain_order="left")
    is_second = (pl.col("held_ts") != pl.col("ts")).fill_null(value=False)
    is_first_here = pl.struct("ticker", "session").is_first_distinct()
    ranked = ranked.with_columns(is_second=is_second | (~is_first_here & pl.col("held_ts").is_null()))
    bad = ranked.filter("is_second").select(*BAR_COLUMNS, reason=pl.lit("second_bar_in_session"))
    fitting = ranked.filter(~pl.col("is_second"))

    old = stored.select(*KEY, *(pl.col(column).alias(f"old_{column}") for column in VALUES))
    compared = fitting.join(old, on=KEY, how="left", maintain_order="left")
    is_new = pl.col("old_close").is_null()
    is_same = pl.all_horizontal(pl.col(column) == pl.col(f"old_{column}") for column in VALUES)
    added = compared.filter(is_new)
    replaced = compared.filter(~is_new, ~is_same)
    changed = pl.concat([added, replaced]).select(SILVER_SCHEMA.names())
    bars = pl.concat([before, stored.join(changed, on=KEY, how="anti"), changed])
    return Reconciled(
        bars=bars,
        changed=changed.select(KEY),
        bad=bad,
        n_added=added.height,
        n_replaced=replaced.height,
        n_unchanged=compared.height - changed.height,
    )


def split_unfinished(bars: pl.DataFrame, now: datetime) -> Stamped:
    """Part the bars that have closed from those that have not, which are bad."""
    has_closed = pl.col("available_at") <= pl.lit(now, UTC_TIME)
    open_ = bars.filter(~has_closed).select(*BAR_COLUMNS, reason=pl.lit("unfinished"))
    return Stamped(good=bars.filter(has_closed), bad=open_)


def _refuse_wrong_calendar(off: pl.DataFrame, stamped: pl.DataFrame, calendar: Calendar) -> None:
    counts = off.group_by("ticker").len("off").join(stamped.group_by("ticker").len("all"), on="ticker")
    limit = pl.max_horizontal(pl.lit(FEW_ROWS), MAX_OFF_CALENDAR * pl.col("all"))
    for ticker, n_off, n_all in counts.filter(pl.col("off") > limit).sort("ticker").iter_rows():
        raise InputError(
            f"{n_off} of {n_all} bars of {ticker} lie outside the calendar {calendar}",
            where=f"ticker {ticker}",
            fix="give the calendar it trades on: --calendar 24/7, fx or an exchange's code",
        )
