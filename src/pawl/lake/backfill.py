"""Fetch what the store misses, page by page, and never twice what it has."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import polars as pl

from pawl.errors import InputError, SourceError
from pawl.lake.silver import Merge, SilverStore
from pawl.lake.source import BusySourceError, Page, Source
from pawl.market.bars import UTC_TIME, Timeframe
from pawl.market.calendars import Calendar, open_times

__all__ = ["BackfillOrder", "Patience", "Progress", "missing_stretches", "run_backfill"]

Progress = Callable[[str, float], None]
Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How a busy source is asked again: after 1, 2, 4 ... seconds, or what it asks for, at most so many times.

    sleep: waits; handed in, so that tests need not wait.
    """

    sleep: Callable[[float], None]
    attempts: int = 6
    first_wait_sec: float = 1.0
    longest_wait_sec: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillOrder:
    """What to fetch: the bars that open in [start, end) and have closed by now. calendar: None infers it."""

    tickers: tuple[str, ...]
    timeframe: Timeframe
    start: datetime
    end: datetime
    calendar: Calendar | None = None


def run_backfill(
    store: SilverStore, source: Source, order: BackfillOrder, patience: Patience, now: datetime, on_progress: Progress
) -> Merge:
    """Fetch every stretch of bars the store misses, and merge each page as it comes.

    Cut off at any point and started again, it goes on where it stopped: what to fetch is read from the store.
    on_progress gets what is being done and the fraction done. The sum of all merges is returned; unfinished bars are
    left at the source. BusySourceError when the source stays busy, SourceError when it does not get on.
    """
    if order.start >= order.end:
        raise InputError("--from does not lie before --to", where="--from, --to", fix="ask for one bar at least")
    end = min(order.end, now)
    total = Merge(added=0, replaced=0, unchanged=0, quarantined=0, tickers=())
    for place, ticker in enumerate(order.tickers):
        for start, stop in missing_stretches(store, ticker, order, end):
            for page in _pages(source, ticker, order.timeframe, (start, stop), patience):
                has_closed = pl.col("ts") + order.timeframe.length <= pl.lit(now, UTC_TIME)
                bars = page.bars.filter(has_closed, pl.col("ts") < pl.lit(stop, UTC_TIME))
                merge = store.merge(bars, order.timeframe, order.calendar, source=source.name, now=now)
                total = total.plus(merge)
                done = min(1.0, (page.next_start - order.start) / (order.end - order.start))
                on_progress(f"{ticker} to {page.next_start:%Y-%m-%d}", (place + done) / len(order.tickers))
    on_progress("done", 1.0)
    return total


def missing_stretches(store: SilverStore, ticker: str, order: BackfillOrder, end: datetime) -> list[Stretch]:
    """The spans in [order.start, end) that hold bars on the ticker's calendar, none of which is stored."""
    if ticker not in store.tickers(order.timeframe):
        return [(order.start, end)] if order.start < end else []
    span = pl.col("ts").is_between(pl.lit(order.start, UTC_TIME), pl.lit(end, UTC_TIME), closed="left")
    stored = store.scan(order.timeframe, [ticker]).filter(span).select("ts", "session").collect()
    calendar = order.calendar or store.calendars(order.timeframe)[ticker].calendar
    if stored.is_empty():
        return [(order.start, end)] if order.start < end else []
    length = order.timeframe.length
    is_gap = pl.col("session").diff() > 1
    inner = stored.select(pl.col("ts").shift(1) + length, end="ts", is_gap=is_gap).filter("is_gap")
    first, last = stored["ts"][0], stored["ts"][-1]
    candidates: list[Stretch] = [(order.start, first), *inner.select("ts", "end").iter_rows(), (last + length, end)]
    return [
        (start, stop)
        for start, stop in candidates
        if start < stop and len(open_times(calendar, order.timeframe, start, stop))
    ]


def _pages(source: Source, ticker: str, timeframe: Timeframe, span: Stretch, patience: Patience) -> Iterator[Page]:
    start, end = span
    while start < end:
        page = _patiently(partial(source.page, ticker, timeframe, start, end), patience)
        if page.next_start <= start:
            raise SourceError(f"{source.name} does not get on from {start}", where=ticker, fix="try another source")
        yield page
        start = page.next_start


def _patiently(ask: Callable[[], Page], patience: Patience) -> Page:
    """Ask until there is an answer; the last failure is raised."""
    wait = patience.first_wait_sec
    for _ in range(patience.attempts - 1):
        try:
            return ask()
        except BusySourceError as busy:
            wanted = busy.retry_after_sec if busy.retry_after_sec is not None else 0.0
            patience.sleep(min(max(wait, wanted), patience.longest_wait_sec))
            wait *= 2
    return ask()
