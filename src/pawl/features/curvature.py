"""How the price bends: a parabola through the last closes, evaluated at its newest point."""

import polars as pl

from pawl.features import rolling
from pawl.features.feature import feature
from pawl.features.price import log_ret_1

__all__ = ["curv_2", "curvature_7"]

# An exactly quadratic price has curvatures without any spread; the floor keeps their quotient finite, its sign right.
SMALLEST_SPREAD = 1e-9


@feature(reads={log_ret_1: 6}, unit="log fraction a bar²")
def curvature_7() -> pl.Expr:
    """Twice the quadratic coefficient of the least-squares parabola through the last 7 log closes."""
    return rolling.curvature(pl.col("log_ret_1"), 7)


@feature(reads={log_ret_1: 65}, unit="standard deviations")
def curv_2() -> pl.Expr:
    """curvature_7 in units of its own sample σ (ddof 1) over the last 60 bars."""
    return rolling.curvature_in_spreads(pl.col("log_ret_1"), 7, spread_rows=60, smallest=SMALLEST_SPREAD)
