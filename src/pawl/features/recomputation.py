"""Features computed anew from less history: cut behind an instant, or from a window of the last bars alone."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from pawl.features.feature import FeatureSet
from pawl.features.sets import compute

__all__ = ["at_cuts", "in_windows"]


def at_cuts(bars: pl.DataFrame, features: FeatureSet, cuts: Sequence[datetime]) -> pl.DataFrame:
    """For each cut, the features of the bars opened at it, computed from the bars of all tickers up to and with it.

    bars: ordered by (ticker, ts). Gives ticker, ts and the features, a row for every bar opened at one of the cuts.
    """
    newest = []
    for cut in cuts:
        history = bars.filter(pl.col("ts") <= cut)
        newest.append(compute(history, features).filter(pl.col("ts") == cut))
    return pl.concat(newest).select("ticker", "ts", *features.names)


def in_windows(
    bars: pl.DataFrame, features: FeatureSet, first_rows: npt.NDArray[np.int64], last_rows: npt.NDArray[np.int64]
) -> pl.DataFrame:
    """For each window of rows, the features of its last bar, computed from the bars of that window alone.

    bars: ordered by (ticker, ts). first_rows, last_rows: row numbers of each window, both inside one ticker. The
    windows stand under each other in one frame, each as a ticker of its own, so an expression must not ask for a
    ticker by its name.
    """
    rows = last_rows - first_rows + 1
    behind = np.cumsum(rows)
    row_numbers = np.arange(behind[-1]) + np.repeat(first_rows - (behind - rows), rows)
    names = pl.Series("ticker", [f"{number:09d}" for number in range(rows.size)])
    window_of_row = np.repeat(np.arange(rows.size), rows)
    windows = bars[row_numbers].with_columns(names.gather(window_of_row))
    return compute(windows, features).select(features.names)[behind - 1]
