"""The set `reversal`, trend: the close beside its means, and how these converge."""

import polars as pl

from pawl.features import rolling
from pawl.features.bar_columns import CLOSE
from pawl.features.feature import feature
from pawl.features.momentum import EMA9_ROWS, EMA26_ROWS, macd_line

__all__ = [
    "ema_12_rel",
    "ema_26_rel",
    "macd",
    "macd_hist",
    "macd_signal",
    "sma_10_rel",
    "sma_20_rel",
    "sma_50_rel",
]

EMA12_ROWS = rolling.settled_rows(12, gain=2 / 13)


@feature(reads={"close": 10}, unit="fraction")
def sma_10_rel() -> pl.Expr:
    """Distance of the close from its mean of 10 bars: close / mean - 1."""
    return rolling.above_mean(CLOSE, 10)


@feature(reads={"close": 20}, unit="fraction")
def sma_20_rel() -> pl.Expr:
    """Distance of the close from its mean of 20 bars: close / mean - 1."""
    return rolling.above_mean(CLOSE, 20)


@feature(reads={"close": 50}, unit="fraction")
def sma_50_rel() -> pl.Expr:
    """Distance of the close from its mean of 50 bars: close / mean - 1."""
    return rolling.above_mean(CLOSE, 50)


@feature(reads={"close": EMA12_ROWS}, unit="fraction")
def ema_12_rel() -> pl.Expr:
    """Distance of the close from its exponential mean of 12 bars: close / mean - 1."""
    return CLOSE / rolling.ema(CLOSE, 12) - 1


@feature(reads={"close": EMA26_ROWS}, unit="fraction")
def ema_26_rel() -> pl.Expr:
    """Distance of the close from its exponential mean of 26 bars: close / mean - 1."""
    return CLOSE / rolling.ema(CLOSE, 26) - 1


@feature(reads={macd_line: 1, "close": 1}, unit="fraction")
def macd() -> pl.Expr:
    """Convergence of means (12, 26) / close."""
    return pl.col("macd_line") / CLOSE


@feature(reads={macd_line: EMA9_ROWS, "close": 1}, unit="fraction")
def macd_signal() -> pl.Expr:
    """Exponential mean of 9 of the convergence of means (12, 26), / close."""
    return rolling.ema(pl.col("macd_line"), 9) / CLOSE


@feature(reads={macd: 1, macd_signal: 1}, unit="fraction")
def macd_hist() -> pl.Expr:
    """macd - macd_signal."""
    return pl.col("macd") - pl.col("macd_signal")
