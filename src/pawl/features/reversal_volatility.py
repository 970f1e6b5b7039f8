"""The set `reversal`, volatility: how far the price swings."""

import polars as pl

from pawl.features import rolling
from pawl.features.bar_columns import CLOSE, HIGH, LOW
from pawl.features.feature import feature
from pawl.features.price import log_ret_1
from pawl.features.volatility import atr_14
from pawl.features.zero_divisor import ratio

__all__ = ["atr_7", "atr_14_rel", "atr_28", "atr_ratio", "bb_pctb_20", "rv_20", "sd_20", "sma_20"]

ATR7_ROWS = rolling.settled_rows(7, gain=1 / 7)
ATR28_ROWS = rolling.settled_rows(28, gain=1 / 28)


@feature(reads={atr_14: 1, "close": 1}, unit="fraction")
def atr_14_rel() -> pl.Expr:
    """Average true range of 14 / close."""
    return pl.col("atr_14") / CLOSE


@feature(reads={"high": ATR7_ROWS, "low": ATR7_ROWS, "close": ATR7_ROWS + 1}, unit="price")
def atr_7() -> pl.Expr:
    """Average true range: Wilder's mean of 7."""
    return rolling.atr(HIGH, LOW, CLOSE, 7)


@feature(reads={"high": ATR28_ROWS, "low": ATR28_ROWS, "close": ATR28_ROWS + 1}, unit="price")
def atr_28() -> pl.Expr:
    """Average true range: Wilder's mean of 28."""
    return rolling.atr(HIGH, LOW, CLOSE, 28)


@feature(reads={atr_7: 1, atr_28: 1}, unit="fraction")
def atr_ratio() -> pl.Expr:
    """Average true range of 7 / that of 28; 0 where this is 0."""
    return ratio(pl.col("atr_7"), pl.col("atr_28"))


@feature(reads={"close": 20}, unit="price")
def sma_20() -> pl.Expr:
    """Mean of 20 closes."""
    return rolling.sma(CLOSE, 20)


@feature(reads={"close": 20}, unit="price")
def sd_20() -> pl.Expr:
    """Standard deviation (ddof 0) of 20 closes."""
    return rolling.std(CLOSE, 20, ddof=0)


@feature(reads={sma_20: 1, sd_20: 1, "close": 1}, unit="fraction")
def bb_pctb_20() -> pl.Expr:
    """Place of the close between the bands at mean ± 2σ (ddof 0) of 20: 0 the lower, 1 the upper; 0 where σ is 0."""
    return ratio(CLOSE - pl.col("sma_20") + 2 * pl.col("sd_20"), 4 * pl.col("sd_20"))


@feature(reads={log_ret_1: 20}, unit="log fraction")
def rv_20() -> pl.Expr:
    """Realised volatility: sample standard deviation (ddof 1) of the log returns of the last 20 bars."""
    return rolling.std(pl.col("log_ret_1"), 20)
