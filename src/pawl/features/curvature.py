"""How the price bends: a parabola through the last closes, evaluated at its newest point."""

import numpy as np
import polars as pl

from pawl.features import rolling
from pawl.features.feature import feature
from pawl.features.price import log_ret_1
from pawl.features.windows import Floats

__all__ = ["curv_2", "curvature_7"]

# An exactly quadratic price has curvatures without any spread; the floor keeps their quotient finite, its sign right.
SMALLEST_SPREAD = 1e-9


@feature(reads={log_ret_1: 6}, unit="log fraction a bar²")
def curvature_7() -> pl.Expr:
    """Twice the quadratic coefficient of the least-squares parabola through the last 7 log closes."""
    return rolling.weighted(pl.col("log_ret_1"), curvature_of_sums(7))


@feature(reads={curvature_7: 60}, unit="standard deviations")
def curv_2() -> pl.Expr:
    """Curvature of the last 7 log closes in units of its own sample σ (ddof 1) over the last 60 bars."""
    curvature = pl.col("curvature_7")
    return curvature / rolling.std(curvature, 60).clip(lower_bound=SMALLEST_SPREAD)


def curvature_of_sums(rows: int) -> Floats:
    """Weights that give, from the last rows - 1 increments of a series, the curvature of its least-squares parabola.

    A parabola does not mind the series' level, so increments (log returns) serve, and a price scale cancels.

    >>> square = np.arange(7.0) ** 2
    >>> round(float(curvature_of_sums(7) @ np.diff(square)), 12)
    2.0
    """
    place = np.arange(rows) - (rows - 1) / 2
    quadratic = 2 * np.linalg.pinv(np.vander(place, 3))[0]
    return np.asarray(np.cumsum(quadratic[::-1])[::-1][1:])
