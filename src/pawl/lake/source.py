"""Where bars come from over the network: one small protocol, and the two ways an answer can fail."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import polars as pl

from pawl.errors import SourceError
from pawl.market.bars import BAR_SCHEMA, Timeframe

__all__ = ["BusySourceError", "Page", "Source", "to_bars"]


class BusySourceError(SourceError):
    """The source may answer when asked again: a time-out, a 5xx, a rate limit, a body cut short."""

    retry_after_sec: float | None = None  # what the source asked for, where it did


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. bars: BAR_SCHEMA, any order. next_start: from where to ask on; everything before was asked for."""

    bars: pl.DataFrame
    next_start: datetime


class Source(Protocol):
    """A source of bars. It holds no state that a restart would miss."""

    name: str

    def page(self, ticker: str, timeframe: Timeframe, start: datetime, end: datetime) -> Page:
        """The bars that open from start on and before end, as many as one request gives.

        BusySourceError when it may answer later, NotFoundError for a ticker it does not have, SourceError when its
        answer cannot be read. An answer without bars still moves `next_start` on.
        """


def to_bars(ticker: str, columns: dict[str, list[object]]) -> pl.DataFrame:
    """Bars from columns of plain values; `ts` in microseconds since 1970 UTC, prices as numbers or text.

    SourceError where a value is neither.

    >>> columns = {"ts": [0], "open": ["1"], "high": ["2"], "low": ["1"], "close": ["2"], "volume": [5]}
    >>> to_bars("BTCUSDT", columns).row(0)[1:4]
    (datetime.datetime(1970, 1, 1, 0, 0, tzinfo=zoneinfo.ZoneInfo(key='UTC')), 1.0, 2.0)
    """
    try:
        frame = pl.DataFrame({name: pl.Series(name, values, strict=False) for name, values in columns.items()})
        numbers = frame.with_columns(pl.col("open", "high", "low", "close", "volume").cast(pl.Float64))
        times = pl.from_epoch(pl.col("ts").cast(pl.Int64), time_unit="us").dt.replace_time_zone("UTC")
        named = numbers.select(pl.lit(ticker).alias("ticker"), times, "open", "high", "low", "close", "volume")
        return named.cast(BAR_SCHEMA)
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise SourceError(
            f"the answer holds values that are no bars: {error}", where=ticker, fix="try another source"
        ) from error
