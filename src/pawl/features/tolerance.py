"""How far a feature may move when its start is forgotten, and which cells that can tip over a limit."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from pawl.features.feature import Feature, FeatureSet
from pawl.features.segments import ticker_starts

__all__ = ["TOLERANCE", "near_limit_cells", "tolerated"]

TOLERANCE = 1e-6
"""Allowed difference, as a share of the feature's own scale on a ticker: the median of its absolute values there."""


def tolerated(frame: pl.DataFrame, column: str) -> pl.Series:
    """The allowed difference of a numeric column, row by row: TOLERANCE times its scale on the row's ticker.

    A column that is mostly 0, or never known, has scale 1.

    >>> frame = pl.DataFrame({"ticker": ["A", "A", "B"], "x": [10.0, -30.0, None]})
    >>> tolerated(frame, "x").round(9).to_list()
    [2e-05, 2e-05, 1e-06]
    """
    size = pl.col(column).cast(pl.Float64).fill_nan(None).abs()
    scale = pl.when(size.is_finite()).then(size).median().over("ticker")
    return frame.select(TOLERANCE * pl.when(scale > 0).then(scale).otherwise(1.0)).to_series()


def near_limit_cells(frame: pl.DataFrame, features: FeatureSet) -> Mapping[str, npt.NDArray[np.bool_]]:
    """For each feature and step, the rows whose value a tolerated difference could tip over a limit.

    frame: ordered by (ticker, ts), with every feature and step. A row is near when one of the compared inputs lies
    within its tolerance of the limit on a row that the feature reads; and when an input that is near was read.
    """
    reach = np.arange(frame.height) - ticker_starts(frame)
    near: dict[str, npt.NDArray[np.bool_]] = {}
    waiting = list(dict.fromkeys((*features.steps, *features.features)))
    while waiting:
        names = {each.name for each in waiting}
        for each in [each for each in waiting if names.isdisjoint(each.inputs)]:
            near[each.name] = _near(frame, each, near, reach)
        waiting = [each for each in waiting if each.name not in near]
    return near


def _near(
    frame: pl.DataFrame, feature: Feature, near: Mapping[str, npt.NDArray[np.bool_]], reach: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    rows_read = dict(zip(feature.inputs, feature.input_rows, strict=False))
    found = np.zeros(frame.height, dtype=bool)
    for name, limit in feature.limits:
        gap = (frame.get_column(name).cast(pl.Float64) - limit).abs()
        is_near = (gap <= tolerated(frame, name)).fill_null(value=False).to_numpy()
        found |= _read_later(is_near, rows_read.get(name, feature.lookback), reach)
    for name in feature.inputs:
        if name in near and near[name].any():
            found |= _read_later(near[name], rows_read.get(name, feature.lookback), reach)
    return found


def _read_later(
    is_near: npt.NDArray[np.bool_], rows: int, rows_into_ticker: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """The rows that read at least one of the marked rows, when each reads the last `rows` rows of its ticker."""
    place = np.arange(is_near.size)
    last_marked = np.maximum.accumulate(np.where(is_near, place, -1))
    age = place - last_marked
    return np.asarray((last_marked >= 0) & (age < rows) & (age <= rows_into_ticker))
