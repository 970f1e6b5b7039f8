"""The backfill: only what is missing, patient with a busy source, never an unfinished bar."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pawl.errors import InputError, NotFoundError, SourceError
from pawl.lake.backfill import BackfillOrder, Patience, missing_stretches, run_backfill
from pawl.lake.silver import Merge, SilverStore
from pawl.lake.source import BusySourceError, Page
from pawl.market.bars import BAR_SCHEMA, UTC_TIME, Timeframe
from pawl.market.calendars import Calendar

DAILY = Timeframe.parse("1d")
START, END, NOW = (datetime(*day, tzinfo=UTC) for day in ((2023, 11, 1), (2024, 3, 1), (2025, 1, 1)))
ORDER = BackfillOrder(tickers=("A",), timeframe=DAILY, start=START, end=END)
MakeBars = Callable[..., pl.DataFrame]


@dataclass
class Script:
    """A source that gives ten bars a page of what it holds, after the failures it is told to have."""

    held: pl.DataFrame
    failures: list[Exception] = field(default_factory=list)
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)
    name: str = "script"

    def page(self, ticker: str, timeframe: Timeframe, start: datetime, end: datetime) -> Page:
        self.asked.append((start, end))
        if self.failures:
            raise self.failures.pop(0)
        stop = start + 10 * timeframe.length
        span = pl.col("ts").is_between(pl.lit(start, UTC_TIME), pl.lit(stop, UTC_TIME), closed="left")
        return Page(self.held.filter(span, pl.col("ticker") == ticker).reverse(), stop)


@pytest.fixture
def store(tmp_path: Path) -> SilverStore:
    return SilverStore(tmp_path)


@pytest.fixture
def held(make_bars: MakeBars) -> pl.DataFrame:
    return make_bars("A", 121, start=START)  # 1 November to 29 February


def fill(
    store: SilverStore, source: Script, order: BackfillOrder = ORDER, now: datetime = NOW
) -> tuple[Merge, list[float]]:
    waits: list[float] = []
    merge = run_backfill(store, source, order, Patience(sleep=waits.append), now, lambda what, done: None)
    return merge, waits


def test_everything_asked_for_is_fetched_and_nothing_more(store: SilverStore, held: pl.DataFrame) -> None:
    merge, waits = fill(
        store, Script(held), BackfillOrder(tickers=("A",), timeframe=DAILY, start=START, end=START + timedelta(days=25))
    )
    assert (merge.added, merge.quarantined, waits) == (25, 0, [])
    assert store.scan(DAILY).collect()["ts"].max() == START + timedelta(days=24)


def test_a_second_run_asks_for_nothing(store: SilverStore, held: pl.DataFrame) -> None:
    fill(store, Script(held))
    again = Script(held)
    merge, _ = fill(store, again)
    assert again.asked == [] and merge.added == 0


@pytest.mark.parametrize("n_pages", [1, 5, 12])
def test_a_run_that_was_cut_off_goes_on_where_it_stopped(store: SilverStore, held: pl.DataFrame, n_pages: int) -> None:
    class PowerCut(BaseException):
        pass

    first = Script(held)
    pages = [0]
    original = first.page

    def dying(ticker: str, timeframe: Timeframe, start: datetime, end: datetime) -> Page:
        pages[0] += 1
        if pages[0] > n_pages:
            raise PowerCut
        return original(ticker, timeframe, start, end)

    first.page = dying  # type: ignore[method-assign]
    with pytest.raises(PowerCut):
        fill(store, first)
    second = Script(held)
    fill(store, second)
    assert second.asked[0][0] == START + timedelta(days=10 * n_pages)
    assert store.scan(DAILY).collect().height == 121


def test_holes_and_both_ends_are_filled_and_the_rest_is_left(store: SilverStore, held: pl.DataFrame) -> None:
    place = pl.int_range(pl.len())
    store.merge(held.filter(place.is_between(20, 40) | place.is_between(50, 60)), DAILY, None, source="x", now=NOW)
    day = timedelta(days=1)
    assert missing_stretches(store, "A", ORDER, END) == [
        (START, START + 20 * day),
        (START + 41 * day, START + 50 * day),
        (START + 61 * day, END),
    ]
    fill(store, Script(held))
    assert store.scan(DAILY).collect().height == 121


def test_a_weekend_is_not_missing(store: SilverStore, make_bars: MakeBars) -> None:
    friday = datetime(2024, 1, 5, tzinfo=UTC)
    week = make_bars("A", 5, start=datetime(2024, 1, 1, tzinfo=UTC))
    store.merge(week.filter(pl.int_range(5) > 0), DAILY, Calendar("XNYS"), source="x", now=NOW)
    order = BackfillOrder(
        tickers=("A",), timeframe=DAILY, start=datetime(2024, 1, 1, tzinfo=UTC), end=friday + timedelta(days=3)
    )
    assert missing_stretches(store, "A", order, order.end) == []


def test_a_busy_source_is_asked_again_after_growing_waits(store: SilverStore, held: pl.DataFrame) -> None:
    busy = [BusySourceError("HTTP 503", where="there", fix="wait") for _ in range(4)]
    merge, waits = fill(store, Script(held, failures=list(busy)))
    assert waits == [1.0, 2.0, 4.0, 8.0]
    assert merge.added == 121


def test_a_source_may_say_how_long_to_wait(store: SilverStore, held: pl.DataFrame) -> None:
    limited, patient = (BusySourceError("HTTP 429", where="there", fix="wait") for _ in range(2))
    limited.retry_after_sec, patient.retry_after_sec = 17.0, 9000.0
    _, waits = fill(store, Script(held, failures=[limited, patient]))
    assert waits == [17.0, 120.0], "no longer than two minutes"


def test_a_source_that_stays_busy_ends_the_run_and_what_came_stays(store: SilverStore, held: pl.DataFrame) -> None:
    source = Script(held)
    fill(store, source, replace(ORDER, end=START + timedelta(days=30)))
    stuck = Script(held, failures=[BusySourceError("HTTP 500", where="there", fix="wait") for _ in range(6)])
    with pytest.raises(BusySourceError, match="HTTP 500"):
        fill(store, stuck)
    assert len(stuck.asked) == 6
    assert store.scan(DAILY).collect().height == 30


def test_a_wrong_ticker_is_not_asked_for_twice(store: SilverStore, held: pl.DataFrame) -> None:
    source = Script(held, failures=[NotFoundError("no `A`", where="there", fix="check")])
    with pytest.raises(NotFoundError):
        fill(store, source)
    assert len(source.asked) == 1


def test_a_source_that_does_not_get_on_is_an_error(store: SilverStore) -> None:
    class Stuck(Script):
        def page(self, ticker: str, timeframe: Timeframe, start: datetime, end: datetime) -> Page:
            return Page(pl.DataFrame(schema=BAR_SCHEMA), start)

    with pytest.raises(SourceError, match="does not get on"):
        fill(store, Stuck(pl.DataFrame(schema=BAR_SCHEMA)))


def test_an_unfinished_bar_is_left_at_the_source(store: SilverStore, held: pl.DataFrame) -> None:
    noon = START + timedelta(days=30, hours=12)
    merge, _ = fill(store, Script(held), now=noon)
    assert (merge.added, merge.quarantined) == (30, 0)
    assert store.quarantine.read(DAILY).is_empty()
    later, _ = fill(store, Script(held), now=noon + timedelta(days=1))
    assert later.added == 1


def test_bars_twice_and_out_of_order_are_stored_once(store: SilverStore, held: pl.DataFrame) -> None:
    doubled = pl.concat([held, held]).sample(fraction=1.0, shuffle=True, seed=3)
    merge, _ = fill(store, Script(doubled))
    assert (merge.added, merge.unchanged) == (121, 121)


def test_progress_rises_to_one(store: SilverStore, held: pl.DataFrame) -> None:
    seen: list[float] = []
    run_backfill(store, Script(held), ORDER, Patience(sleep=seen.append), NOW, lambda what, done: seen.append(done))
    assert seen == sorted(seen) and seen[-1] == 1.0 and len(seen) > 5


def test_a_span_that_is_none_is_refused(store: SilverStore, held: pl.DataFrame) -> None:
    with pytest.raises(InputError, match="does not lie before"):
        fill(store, Script(held), BackfillOrder(tickers=("A",), timeframe=DAILY, start=END, end=START))
