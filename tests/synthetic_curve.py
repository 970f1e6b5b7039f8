"""A curve of capital from random returns."""

import numpy as np
import polars as pl

__all__ = ["walk"]


def walk(ts: pl.Series, rng: np.random.Generator, drift: float, noise: float) -> pl.DataFrame:
    """`ts`, `equity` and `drawdown`; drift and noise: mean and standard deviation of a step's return."""
    equity = np.cumprod(1 + rng.normal(drift, noise, len(ts)))
    return pl.DataFrame({"ts": ts, "equity": equity, "drawdown": equity / np.maximum.accumulate(equity) - 1})
