"""Where the price went: returns, and its place beside its own means and extremes."""

import polars as pl

from pawl.features import rolling
from pawl.features.bar_columns import CLOSE, HIGH, LOW, OPEN
from pawl.features.feature import feature

__all__ = [
    "co_ret",
    "dist_sma20",
    "dist_sma60",
    "drawdown_60",
    "hl_range",
    "log_ret_1",
    "range_pos_60",
    "ret_1",
    "ret_5",
    "ret_10",
    "ret_20",
]


@feature(reads={"close": 2}, unit="fraction")
def ret_1() -> pl.Expr:
    """Return over 1 bar: close / close 1 bar ago - 1."""
    return rolling.change(CLOSE, 1)


@feature(reads={"close": 6}, unit="fraction")
def ret_5() -> pl.Expr:
    """Return over 5 bars: close / close 5 bars ago - 1."""
    return rolling.change(CLOSE, 5)


@feature(reads={"close": 11}, unit="fraction")
def ret_10() -> pl.Expr:
    """Return over 10 bars: close / close 10 bars ago - 1."""
    return rolling.change(CLOSE, 10)


@feature(reads={"close": 21}, unit="fraction")
def ret_20() -> pl.Expr:
    """Return over 20 bars: close / close 20 bars ago - 1."""
    return rolling.change(CLOSE, 20)


@feature(reads={"close": 2}, unit="log fraction")
def log_ret_1() -> pl.Expr:
    """Log return over 1 bar: ln(close / close 1 bar ago)."""
    return rolling.log_change(CLOSE, 1)


@feature(reads={"high": 1, "low": 1, "close": 1}, unit="fraction")
def hl_range() -> pl.Expr:
    """Range of the bar: (high - low) / close."""
    return (HIGH - LOW) / CLOSE


@feature(reads={"open": 1, "close": 1}, unit="fraction")
def co_ret() -> pl.Expr:
    """Return inside the bar: close / open - 1."""
    return CLOSE / OPEN - 1


@feature(reads={"close": 20}, unit="fraction")
def dist_sma20() -> pl.Expr:
    """Distance of the close from its mean of 20 bars: close / mean - 1."""
    return rolling.above_mean(CLOSE, 20)


@feature(reads={"close": 60}, unit="fraction")
def dist_sma60() -> pl.Expr:
    """Distance of the close from its mean of 60 bars: close / mean - 1."""
    return rolling.above_mean(CLOSE, 60)


@feature(reads={"close": 60}, unit="fraction")
def drawdown_60() -> pl.Expr:
    """Fall from the highest close of the last 60 bars, at most 0."""
    return rolling.drawdown(CLOSE, 60)


@feature(reads={"close": 1, "high": 60, "low": 60}, unit="fraction")
def range_pos_60() -> pl.Expr:
    """Place of the close in the range of the last 60 bars: 0 at its low, 1 at its high; null without a range."""
    return rolling.place_in_range(CLOSE, LOW, HIGH, 60)
