"""The market as a decision may see it, ready for the path of a request: contexts worked out ahead, found by time.

Between two instants at which something becomes known, or too old to count, a context stays the same; so one context for
each such stretch is all there is to know of a ticker, and the answer to any instant is a binary search.
"""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Protocol

import polars as pl

from pawl.features.decision_context import DAY, HOUR, SESSION_BANDS, MarketFrames, decision_context, stacked_edges
from pawl.lake.silver import SilverStore
from pawl.ledger.event_payloads import FrozenContext
from pawl.market.bars import UTC_TIME, Timeframe
from pawl.market.derivatives import FUNDING_SCHEMA, OPEN_INTEREST_SCHEMA

__all__ = ["MarketSource", "MarketWatch", "RecordedMarket", "SilverMarket"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
HOURLY = Timeframe.parse("1h")
EDGES_EVERY = "1w"
LOOK_AGAIN_SEC = 60.0
PRICE_SCHEMA = pl.Schema({"ts": UTC_TIME, "price": pl.Float64()})


class MarketSource(Protocol):
    """Where a watch reads from. state: another value whenever what is read may have changed."""

    def state(self) -> Hashable:
        """Cheap to ask for."""

    def read(self) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """Silver bars of one hour, FUNDING_SCHEMA and OPEN_INTEREST_SCHEMA."""


@dataclass(frozen=True, slots=True)
class SilverMarket:
    """The hourly bars of a silver store. It keeps no funding and no open interest, so contexts have neither."""

    silver: SilverStore

    def state(self) -> Hashable:
        """That of the files of the hourly bars."""
        return self.silver.state(HOURLY)

    def read(self) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """The bars, and two empty frames."""
        bars = self.silver.scan(HOURLY).collect()
        return bars, pl.DataFrame(schema=FUNDING_SCHEMA), pl.DataFrame(schema=OPEN_INTEREST_SCHEMA)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedMarket:
    """A market that is known whole, as the simulated one; what a context may read of it is up to its instant."""

    bars: pl.DataFrame
    funding: pl.DataFrame
    open_interest: pl.DataFrame

    def state(self) -> Hashable:
        """Always the same."""
        return None

    def read(self) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """The three frames."""
        return self.bars, self.funding, self.open_interest


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ticker:
    """One ticker. since: the instants, µs, behind which each of the contexts holds, up to and with the next one.

    priced_at: when each price became known, µs. prices: PRICE_SCHEMA.
    """

    since: list[int]
    contexts: list[FrozenContext]
    priced_at: list[int]
    prices: pl.DataFrame


class MarketWatch:
    """Contexts and prices of every ticker of a source; a MarketView for the service.

    ticks: seconds of a clock that only moves on; the source is asked at most once a minute, and only when its newest
    bar is more than an hour old, whether more have come. Edges of the terciles are fitted anew every week.
    """

    def __init__(self, source: MarketSource, ticks: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._ticks = ticks
        self._lock = Lock()
        self._looked_at = ticks()
        self._fresh_until = 0
        self._read()

    def context(self, ticker: str, at: datetime) -> FrozenContext:
        """What was known of a ticker strictly before `at`, as `decision_context` says it; a binary search.

        A ticker without bars has its session band alone.
        """
        instant = (at - EPOCH) // MICROSECOND
        self._look_again(instant)
        known, found = self._tickers.get(ticker), FrozenContext()
        if known is not None:
            number = bisect_left(known.since, instant)
            found = known.contexts[number - 1] if number else found
        return found.model_copy(update={"session_band": _band(at)})

    def prices(self, ticker: str, start: datetime, end: datetime) -> pl.DataFrame:
        """Closes of the hourly bars that closed in [start, end], each at its close: `ts`, `price`, sorted by time."""
        first, last = ((instant - EPOCH) // MICROSECOND for instant in (start, end))
        self._look_again(last)
        known = self._tickers.get(ticker)
        if known is None:
            return pl.DataFrame(schema=PRICE_SCHEMA)
        begin = bisect_left(known.priced_at, first)
        return known.prices.slice(begin, max(0, bisect_right(known.priced_at, last) - begin))

    def refresh(self) -> bool:
        """Read the source again if it has changed; whether it had."""
        with self._lock:
            has_changed = self._source.state() != self._state
            if has_changed:
                self._read()
            return has_changed

    def _look_again(self, instant: int) -> None:
        if instant > self._fresh_until and self._ticks() - self._looked_at >= LOOK_AGAIN_SEC:
            self._looked_at = self._ticks()
            self.refresh()

    def _read(self) -> None:
        self._looked_at = self._ticks()
        # The state is asked for first: bars that come while they are read are seen the next time.
        self._state = self._source.state()
        bars, funding, interest = self._source.read()
        frames = MarketFrames(bars=bars, funding=funding, open_interest=interest, edges=_weekly_edges(bars))
        newest = bars["available_at"].max()
        self._fresh_until = (newest + HOUR - EPOCH) // MICROSECOND if isinstance(newest, datetime) else 0
        self._tickers = _tables(frames)


def _band(at: datetime) -> str:
    hour = at.astimezone(UTC).hour
    return next(name for end, name in SESSION_BANDS if hour < end)


def _weekly_edges(bars: pl.DataFrame) -> pl.DataFrame:
    first, last = bars["available_at"].min(), bars["available_at"].max()
    if not (isinstance(first, datetime) and isinstance(last, datetime)):
        return stacked_edges(bars, [])
    weeks = pl.datetime_range(first, last, EDGES_EVERY, time_zone="UTC", eager=True).dt.truncate(EDGES_EVERY)
    return stacked_edges(bars, weeks.unique().to_list())


def _tables(market: MarketFrames) -> dict[str, _Ticker]:
    """Everything there is to know of every ticker, worked out in one go."""
    begins = _changes(market)
    # A stretch is open at its begin and holds its end; its first instant speaks for all of it.
    asked = begins.with_columns(decided_at=pl.col("_at") + MICROSECOND).select("ticker", "decided_at", "_at")
    rows = decision_context(asked, market).sort("ticker", "_at")
    closes = market.bars.sort("ticker", "available_at").select("ticker", ts="available_at", price="close")
    by_ticker = {str(name): frame for (name,), frame in closes.group_by("ticker", maintain_order=True)}
    tables = {}
    for (name,), of_ticker in rows.group_by("ticker", maintain_order=True):
        prices = by_ticker.get(str(name), pl.DataFrame(schema={"ticker": pl.String(), **PRICE_SCHEMA})).drop("ticker")
        fields = of_ticker.drop("ticker", "decided_at", "_at", "session_band")
        tables[str(name)] = _Ticker(
            since=of_ticker["_at"].dt.epoch("us").to_list(),
            contexts=[FrozenContext.model_validate(row) for row in fields.iter_rows(named=True)],
            priced_at=prices["ts"].dt.epoch("us").to_list(),
            prices=prices.cast(PRICE_SCHEMA),
        )
    return tables


def _changes(market: MarketFrames) -> pl.DataFrame:
    """Every instant behind which a context of a ticker may be another: `ticker`, `_at`."""

    def after(frame: pl.DataFrame, *delays: timedelta, at: str = "available_at") -> list[pl.DataFrame]:
        return [frame.select("ticker", _at=(pl.col(at) + delay).cast(UTC_TIME)) for delay in delays]

    parts = [
        *after(market.bars, timedelta(), HOUR),
        *after(market.funding, timedelta()),
        *after(market.open_interest, timedelta(), DAY, 2 * DAY),
        # Edges count from their instant on, all else only behind it.
        *after(market.edges, -MICROSECOND, at="fitted_until"),
    ]
    return pl.concat(parts).unique().sort("ticker", "_at")
