"""How much is traded, and on which side."""

import polars as pl

from pawl.features import rolling
from pawl.features.bar_columns import CLOSE, VOLUME
from pawl.features.feature import feature

__all__ = ["obv_slope_20", "volume_ratio_20", "volume_z_20"]


@feature(reads={"volume": 20}, unit="ratio")
def volume_ratio_20() -> pl.Expr:
    """Volume relative to its mean of 20 bars; null where nothing was traded in them."""
    return rolling.over_mean(VOLUME, 20)


@feature(reads={"volume": 20}, unit="standard deviations")
def volume_z_20() -> pl.Expr:
    """Distance of the volume from its mean of 20 bars in their sample σ; null where σ is 0."""
    return rolling.zscore(VOLUME, 20)


@feature(reads={"volume": 20, "close": 20}, unit="mean volumes a bar")
def obv_slope_20() -> pl.Expr:
    """Least-squares slope of on-balance volume over the last 20 bars, divided by their mean volume."""
    return rolling.obv_slope(CLOSE, VOLUME, 20)
