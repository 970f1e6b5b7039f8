"""The set `reversal`, momentum: where the close stands in what has just been traded."""

import polars as pl

from pawl.features import rolling
from pawl.features.bar_columns import CLOSE, HIGH, LOW
from pawl.features.feature import feature
from pawl.features.price import ret_10
from pawl.features.zero_divisor import ratio

__all__ = [
    "cci_20",
    "highest_14",
    "lowest_14",
    "roc_10",
    "rsi_7",
    "rsi_14",
    "stoch_d_3",
    "stoch_k_14",
    "williams_r_14",
]

RSI7_ROWS = 1 + rolling.settled_rows(7, gain=1 / 7)
RSI14_ROWS = 1 + rolling.settled_rows(14, gain=1 / 14)


@feature(reads={"close": RSI7_ROWS}, unit="index 0-100")
def rsi_7() -> pl.Expr:
    """Wilder's relative strength index of 7 bars; 0 where nothing has moved."""
    return rolling.rsi(CLOSE, 7, at_rest=0.0)


@feature(reads={"close": RSI14_ROWS}, unit="index 0-100")
def rsi_14() -> pl.Expr:
    """Wilder's relative strength index of 14 bars; 0 where nothing has moved."""
    return rolling.rsi(CLOSE, 14, at_rest=0.0)


@feature(reads={"high": 14}, unit="price")
def highest_14() -> pl.Expr:
    """Highest high of the last 14 bars."""
    return rolling.highest(HIGH, 14)


@feature(reads={"low": 14}, unit="price")
def lowest_14() -> pl.Expr:
    """Lowest low of the last 14 bars."""
    return rolling.lowest(LOW, 14)


@feature(reads={highest_14: 1, lowest_14: 1, "close": 1}, unit="index 0-100")
def stoch_k_14() -> pl.Expr:
    """Place of the close in the range of the last 14 bars, times 100; 0 where there is no range."""
    return 100 * ratio(CLOSE - pl.col("lowest_14"), pl.col("highest_14") - pl.col("lowest_14"))


@feature(reads={stoch_k_14: 3}, unit="index 0-100")
def stoch_d_3() -> pl.Expr:
    """Mean of 3 of stoch_k_14."""
    return rolling.sma(pl.col("stoch_k_14"), 3)


@feature(reads={"high": 20, "low": 20, "close": 20}, unit="index")
def cci_20() -> pl.Expr:
    """Distance of (high + low + close) / 3 from its mean of 20 in 0.015 mean deviations; 0 where these are 0."""
    return rolling.commodity_channel((HIGH + LOW + CLOSE) / 3, 20)


@feature(reads={highest_14: 1, lowest_14: 1, "close": 1}, unit="index -100-0")
def williams_r_14() -> pl.Expr:
    """Distance of the close below the highest of the last 14 bars in their range, times -100; 0 without a range."""
    return -100 * ratio(pl.col("highest_14") - CLOSE, pl.col("highest_14") - pl.col("lowest_14"))


@feature(reads={ret_10: 1}, unit="percent")
def roc_10() -> pl.Expr:
    """Rate of change: 100 · ret_10."""
    return 100 * pl.col("ret_10")
