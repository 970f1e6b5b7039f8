"""How far the price swings: spreads of returns, true ranges, Bollinger bands."""

import polars as pl

from pawl.features import rolling
from pawl.features.bar_columns import CLOSE, HIGH, LOW
from pawl.features.feature import feature
from pawl.features.price import log_ret_1

__all__ = [
    "atr_14",
    "atr_rel",
    "atr_smooth",
    "bb_pctb_20",
    "bb_width_20",
    "range_z_20",
    "vol_20",
]

ATR_ROWS = rolling.settled_rows(14, gain=1 / 14)
EMA10_ROWS = rolling.settled_rows(10, gain=2 / 11)


@feature(reads={log_ret_1: 20}, unit="log fraction")
def vol_20() -> pl.Expr:
    """Sample standard deviation (ddof 1) of the log returns of the last 20 bars."""
    return rolling.std(pl.col("log_ret_1"), 20)


@feature(reads={"high": ATR_ROWS, "low": ATR_ROWS, "close": ATR_ROWS + 1}, unit="price")
def atr_14() -> pl.Expr:
    """Average true range: Wilder's mean of 14, started as the plain mean of the first 14 true ranges."""
    return rolling.atr(HIGH, LOW, CLOSE, 14)


@feature(reads={atr_14: 1, "close": 1}, unit="fraction")
def atr_rel() -> pl.Expr:
    """Average true range relative to the price: atr_14 / close."""
    return pl.col("atr_14") / CLOSE


@feature(reads={atr_rel: EMA10_ROWS}, unit="fraction")
def atr_smooth() -> pl.Expr:
    """Exponential mean of 10 of atr_14 / close: free of the price level."""
    return rolling.ema(pl.col("atr_rel"), 10)


@feature(reads={"close": 20}, unit="fraction")
def bb_pctb_20() -> pl.Expr:
    """Place of the close between the bands at mean ± 2σ (ddof 0) of 20: 0 the lower, 1 the upper; null where σ is 0."""
    return rolling.place_in_bands(CLOSE, 20, deviations=2)


@feature(reads={"close": 20}, unit="fraction")
def bb_width_20() -> pl.Expr:
    """Width of the bands at mean ± 2σ (ddof 0) of 20, relative to the mean: 4σ / mean."""
    return rolling.band_width(CLOSE, 20, deviations=2)


@feature(reads={"high": 21, "low": 21, "close": 22}, unit="standard deviations")
def range_z_20() -> pl.Expr:
    """Distance of the relative true range from the mean of the 20 bars before, in their sample σ; null where σ is 0."""
    return rolling.range_zscore(HIGH, LOW, CLOSE, 20)
