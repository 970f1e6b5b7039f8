"""The set `reversal`, structure and time: the nearest extremes, and the hour of the day."""

import numpy as np
import polars as pl

from pawl.features import rolling
from pawl.features.bar_columns import CLOSE, HIGH, LOW
from pawl.features.feature import feature

__all__ = ["dist_high_20", "dist_low_20", "hour_cos", "hour_sin"]

FULL_TURN = 2 * np.pi
HOUR = pl.col("ts").dt.hour().cast(pl.Float64)


@feature(reads={"high": 20, "close": 1}, unit="fraction")
def dist_high_20() -> pl.Expr:
    """Distance of the close from the highest high of the last 20 bars, at most 0: close / highest - 1."""
    return CLOSE / rolling.highest(HIGH, 20) - 1


@feature(reads={"low": 20, "close": 1}, unit="fraction")
def dist_low_20() -> pl.Expr:
    """Distance of the close from the lowest low of the last 20 bars, at least 0: close / lowest - 1."""
    return CLOSE / rolling.lowest(LOW, 20) - 1


@feature(reads={"ts": 1}, unit="index -1-1")
def hour_sin() -> pl.Expr:
    """Sine of the hour (UTC, whole hours) at which the bar opens, a day being one turn."""
    return (HOUR / 24 * FULL_TURN).sin()


@feature(reads={"ts": 1}, unit="index -1-1")
def hour_cos() -> pl.Expr:
    """Cosine of the hour (UTC, whole hours) at which the bar opens, a day being one turn."""
    return (HOUR / 24 * FULL_TURN).cos()
