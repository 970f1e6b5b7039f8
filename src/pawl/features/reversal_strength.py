"""The set `reversal`, strength: which side moves, and how one-sidedly (Wilder, New Concepts, 1978; Chande's Aroon)."""

import polars as pl

from pawl.features import rolling
from pawl.features.bar_columns import HIGH, LOW
from pawl.features.feature import feature
from pawl.features.volatility import atr_14
from pawl.features.zero_divisor import ratio

__all__ = ["adx_14", "aroon_osc_25", "dx_14", "minus_di_14", "minus_dm", "plus_di_14", "plus_dm"]

WILDER14_ROWS = rolling.settled_rows(14, gain=1 / 14)


@feature(reads={"high": 2, "low": 2}, unit="price")
def plus_dm() -> pl.Expr:
    """Rise of the high where it is larger than the fall of the low, else 0."""
    return _directional(rise=rolling.difference(HIGH, 1), fall=-rolling.difference(LOW, 1))


@feature(reads={"high": 2, "low": 2}, unit="price")
def minus_dm() -> pl.Expr:
    """Fall of the low where it is larger than the rise of the high, else 0."""
    return _directional(rise=-rolling.difference(LOW, 1), fall=rolling.difference(HIGH, 1))


@feature(reads={plus_dm: WILDER14_ROWS, atr_14: 1}, unit="index 0-100")
def plus_di_14() -> pl.Expr:
    """Wilder's mean of 14 of plus_dm in average true ranges of 14, times 100; 0 where these are 0."""
    return 100 * ratio(rolling.wilder(pl.col("plus_dm"), 14), pl.col("atr_14"))


@feature(reads={minus_dm: WILDER14_ROWS, atr_14: 1}, unit="index 0-100")
def minus_di_14() -> pl.Expr:
    """Wilder's mean of 14 of minus_dm in average true ranges of 14, times 100; 0 where these are 0."""
    return 100 * ratio(rolling.wilder(pl.col("minus_dm"), 14), pl.col("atr_14"))


@feature(reads={plus_di_14: 1, minus_di_14: 1}, unit="index 0-100")
def dx_14() -> pl.Expr:
    """Difference of plus_di_14 and minus_di_14 in their sum, times 100; 0 where this is 0."""
    plus, minus = pl.col("plus_di_14"), pl.col("minus_di_14")
    return 100 * ratio((plus - minus).abs(), plus + minus)


@feature(reads={dx_14: WILDER14_ROWS}, unit="index 0-100")
def adx_14() -> pl.Expr:
    """Average directional index: Wilder's mean of 14 of dx_14."""
    return rolling.wilder(pl.col("dx_14"), 14)


@feature(reads={"high": 26, "low": 26}, unit="index -100-100")
def aroon_osc_25() -> pl.Expr:
    """(Bars since the lowest low - bars since the highest high of the last 26 bars) / 25, times 100."""
    return 100 * (rolling.rows_since_lowest(LOW, 26) - rolling.rows_since_highest(HIGH, 26)) / 25


def _directional(rise: pl.Expr, fall: pl.Expr) -> pl.Expr:
    # Beside a null the comparison is null and `otherwise` would make it 0; the first row has no move.
    is_moved = (rise > fall) & (rise > 0)
    return pl.when(is_moved).then(rise).when(rise.is_not_null() & fall.is_not_null()).then(0.0)
