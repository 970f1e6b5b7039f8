"""Fewer points for the eye, without losing a peak or a trough."""

from itertools import pairwise

import numpy as np
import polars as pl

__all__ = ["MAX_POINTS", "thin"]

MAX_POINTS = 3_000
"""What one curve of the page holds at most."""


def thin(frame: pl.DataFrame, column: str, max_points: int = MAX_POINTS) -> pl.DataFrame:
    """At most `max_points` (≥ 4) rows of a frame in their order: the first, the last, and the extremes in between.

    The rows are cut into equal stretches and each keeps the row of its least and of its greatest value of `column`, so
    no extreme of the whole is lost. Rows where the column is null or NaN are kept only as first or last.

    >>> thin(pl.DataFrame({"y": [0.0, 1.0, 9.0, 1.0, -5.0, 1.0, 0.0]}), "y", 4)["y"].to_list()
    [0.0, 9.0, -5.0, 0.0]
    """
    if frame.height <= max_points:
        return frame
    values = frame[column].cast(pl.Float64).to_numpy()
    low, high = np.where(np.isnan(values), np.inf, values), np.where(np.isnan(values), -np.inf, values)
    edges = np.linspace(1, len(values) - 1, (max_points - 2) // 2 + 1).astype(int)
    keep = {0, len(values) - 1}
    for start, stop in pairwise(edges):
        if stop > start:
            keep |= {int(start + low[start:stop].argmin()), int(start + high[start:stop].argmax())}
    return frame[sorted(keep)]
