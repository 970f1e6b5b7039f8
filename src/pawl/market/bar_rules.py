"""The rules of one bar, in a frame schema; importing the library behind it takes longer than most commands."""

import dataframely as dy
import polars as pl

__all__ = ["BarRules"]

MAX_TICKER_LENGTH = 64  # characters; a percent-encoded name must still fit a path


def _price() -> dy.Float64:
    return dy.Float64(nullable=False, allow_nan=False, allow_inf=False, min_exclusive=0.0)


class BarRules(dy.Schema):
    """What a row must satisfy by itself.

    >>> sorted(BarRules.column_names())
    ['close', 'high', 'low', 'open', 'ticker', 'ts', 'volume']
    """

    ticker = dy.String(nullable=False, min_length=1, max_length=MAX_TICKER_LENGTH)
    ts = dy.Datetime(nullable=False, time_unit="us", time_zone="UTC")
    open = _price()
    high = _price()
    low = _price()
    close = _price()
    volume = dy.Float64(nullable=False, allow_nan=False, allow_inf=False, min=0.0)

    @dy.rule()
    def ohlc_violation(cls) -> pl.Expr:  # noqa: N805 - dataframely hands in the class
        """The low is the lowest and the high the highest price of the bar."""
        lowest, highest = pl.min_horizontal("open", "close"), pl.max_horizontal("open", "close")
        return (pl.col("low") <= lowest) & (pl.col("high") >= highest)
