"""The set `reversal`, returns and bar: what the newest bars did."""

import polars as pl

from pawl.features import rolling
from pawl.features.bar_columns import CLOSE, HIGH, LOW, OPEN
from pawl.features.feature import feature
from pawl.features.zero_divisor import ratio

__all__ = ["body", "close_pos", "gap", "lower_wick", "ret_3", "upper_wick"]


@feature(reads={"close": 4}, unit="fraction")
def ret_3() -> pl.Expr:
    """Return over 3 bars: close / close 3 bars ago - 1."""
    return rolling.change(CLOSE, 3)


@feature(reads={"open": 1, "close": 1}, unit="fraction")
def body() -> pl.Expr:
    """Body of the bar: (close - open) / open."""
    return (CLOSE - OPEN) / OPEN


@feature(reads={"open": 1, "high": 1, "close": 1}, unit="fraction")
def upper_wick() -> pl.Expr:
    """From the body up to the high: (high - max(open, close)) / close."""
    return (HIGH - pl.max_horizontal(OPEN, CLOSE)) / CLOSE


@feature(reads={"open": 1, "low": 1, "close": 1}, unit="fraction")
def lower_wick() -> pl.Expr:
    """From the body down to the low: (min(open, close) - low) / close."""
    return (pl.min_horizontal(OPEN, CLOSE) - LOW) / CLOSE


@feature(reads={"high": 1, "low": 1, "close": 1}, unit="fraction")
def close_pos() -> pl.Expr:
    """Place of the close in its bar: (close - low) / (high - low); 0.5 in a bar without a range."""
    return ratio(CLOSE - LOW, HIGH - LOW, at_zero=0.5)


@feature(reads={"open": 1, "close": 2}, unit="fraction")
def gap() -> pl.Expr:
    """Jump from the close before to the open: open / close 1 bar ago - 1; on a Sunday evening the weekend's move."""
    return OPEN / rolling.lag(CLOSE, 1) - 1
