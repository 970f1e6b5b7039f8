"""What a bar is: its columns, its zone, and when it may be seen."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import polars as pl

from pawl.errors import InputError

__all__ = ["BAR_COLUMNS", "BAR_SCHEMA", "SILVER_SCHEMA", "UTC_TIME", "Timeframe", "visible_before"]

UTC_TIME = pl.Datetime("us", "UTC")

BAR_SCHEMA = pl.Schema(
    {
        "ticker": pl.String(),
        "ts": UTC_TIME,
        "open": pl.Float64(),
        "high": pl.Float64(),
        "low": pl.Float64(),
        "close": pl.Float64(),
        "volume": pl.Float64(),
    }
)
"""A bar as sources give it. `ts` is the bar's OPEN time; an equity's daily bar carries the session date at 00:00."""

BAR_COLUMNS = tuple(BAR_SCHEMA)

SILVER_SCHEMA = pl.Schema({**BAR_SCHEMA, "available_at": UTC_TIME, "session": pl.Int64()})
"""A bar as the silver store keeps it.

`available_at` is the instant from which a decision may use it (its close). `session` is its ordinal on the ticker's
calendar: two bars are consecutive on the trading calendar exactly where `session.diff() == 1`.
"""

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Timeframe:
    """The length of a bar, as the field writes it: `1m`, `15m`, `1h`, `4h`, `1d`.

    >>> Timeframe.parse("15m").length
    datetime.timedelta(seconds=900)
    >>> str(Timeframe.parse("1d"))
    '1d'
    """

    text: str
    length: timedelta

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a timeframe; anything but `<count><m|h|d>` with a count ≥ 1 is an InputError."""
        count, unit = text[:-1], text[-1:]
        if not (count.isdecimal() and int(count) >= 1 and unit in _UNITS):
            raise InputError(f"`{text}` is not a timeframe", where="--timeframe", fix="write it as 1m, 15m, 1h or 1d")
        return cls(text, int(count) * _UNITS[unit])

    def __str__(self) -> str:
        return self.text


def visible_before(bars: pl.LazyFrame, instant: datetime) -> pl.LazyFrame:
    """The bars that had closed strictly before the given instant: what a run at that instant may read."""
    return bars.filter(pl.col("available_at") < pl.lit(instant, UTC_TIME))
