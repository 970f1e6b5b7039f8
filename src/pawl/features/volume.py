"""How much is traded, and on which side."""

import numpy as np
import polars as pl

from pawl.features import rolling
from pawl.features.bar_columns import CLOSE, VOLUME
from pawl.features.feature import feature
from pawl.features.windows import Floats

__all__ = ["obv_slope_20", "volume_ratio_20", "volume_sma_20", "volume_z_20"]


@feature(reads={"volume": 20}, unit="volume")
def volume_sma_20() -> pl.Expr:
    """Mean volume of the last 20 bars."""
    return rolling.sma(VOLUME, 20)


@feature(reads={"volume": 1, volume_sma_20: 1}, unit="ratio")
def volume_ratio_20() -> pl.Expr:
    """Volume relative to its mean of 20 bars; null where nothing was traded in them."""
    return rolling.ratio(VOLUME, pl.col("volume_sma_20"))


@feature(reads={"volume": 20}, unit="standard deviations")
def volume_z_20() -> pl.Expr:
    """Distance of the volume from its mean of 20 bars in their sample σ; null where σ is 0."""
    return rolling.zscore(VOLUME, 20)


@feature(reads={"volume": 20, "close": 20, volume_sma_20: 1}, unit="mean volumes a bar")
def obv_slope_20() -> pl.Expr:
    """Least-squares slope of on-balance volume over the last 20 bars, divided by their mean volume."""
    # The slope does not mind OBV's level, so the 19 signed volumes inside the window give it: no endless sum.
    slope = rolling.weighted(rolling.signed_volume(VOLUME, CLOSE), slope_of_sums(20))
    return rolling.ratio(slope, pl.col("volume_sma_20"))


def slope_of_sums(rows: int) -> Floats:
    """Weights that give, from the last rows - 1 increments of a series, its least-squares slope over `rows` rows.

    slope = Σ (i - mean i) · x(i) / Σ (i - mean i)², and an increment is part of every later x.

    >>> slope_of_sums(3)
    array([0.5, 0.5])
    """
    place = np.arange(rows) - (rows - 1) / 2
    return np.asarray(np.cumsum(place[::-1])[::-1][1:] / np.sum(place**2))
