"""A division whose result is settled where the divisor is 0."""

import polars as pl

__all__ = ["ratio"]


def ratio(part: pl.Expr, whole: pl.Expr, at_zero: float = 0.0) -> pl.Expr:
    """part / whole; `at_zero` where whole is 0; null where either is null.

    >>> frame = pl.DataFrame({"part": [1.0, 1.0, None], "whole": [2.0, 0.0, 0.0]})
    >>> frame.select(ratio(pl.col("part"), pl.col("whole"), at_zero=0.5)).to_series().to_list()
    [0.5, 0.5, None]
    """
    return pl.when(part.is_not_null() & (whole == 0)).then(at_zero).otherwise(part / whole)
