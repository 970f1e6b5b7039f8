"""Compiled kernels for the spread of fixed windows: deviations, and places measured in deviations.

Same contract and same doubling as in `windows.py`.
"""

import numpy as np

from pawl.features.kernel import kernel
from pawl.features.windows import BLOCK, Ends, Floats, add, add_to

__all__ = ["band_width", "window_std", "window_zscore"]


@kernel
def window_std(values: Floats, ends: Ends, rows: int, ddof: int, out: Floats) -> Floats:
    """Standard deviation of the last `rows` rows, divided by rows - ddof.

    >>> window_std(np.array([1.0, 2.0, 3.0]), np.array([3, 3, 3]), 3, 1, np.empty(3))
    array([nan, nan,  1.])
    """
    n = values.size
    total, scratch = np.empty(BLOCK), np.empty((4, BLOCK + rows))
    begin = 0
    while begin < n:
        end = ends[begin]
        first = min(begin + rows - 1, end)
        out[begin:first] = np.nan
        for start in range(first, end, BLOCK):
            stop = min(start + BLOCK, end)
            spread = out[start:stop]
            _moments(values[start - rows + 1 : stop], rows, total[: stop - start], spread, scratch)
            _take_root(spread, 1.0 / (rows - ddof))
        begin = end
    return out


@kernel
def band_width(values: Floats, ends: Ends, rows: int, deviations: float, out: Floats) -> Floats:
    """Width of the bands at mean ± so many standard deviations (ddof 0) of the last `rows` rows, relative to the mean.

    >>> band_width(np.array([1.0, 3.0]), np.array([2, 2]), 2, 2.0, np.empty(2))
    array([nan,  2.])
    """
    n = values.size
    total, scratch = np.empty(BLOCK), np.empty((4, BLOCK + rows))
    begin = 0
    while begin < n:
        end = ends[begin]
        first = min(begin + rows - 1, end)
        out[begin:first] = np.nan
        for start in range(first, end, BLOCK):
            stop = min(start + BLOCK, end)
            spread = out[start:stop]
            _moments(values[start - rows + 1 : stop], rows, total[: stop - start], spread, scratch)
            _widen(total[: stop - start], spread, rows, 2.0 * deviations)
        begin = end
    return out


@kernel
def window_zscore(values: Floats, ends: Ends, rows: int, ddof: int, lag: int, out: Floats) -> Floats:
    """Distance from the mean of `rows` rows in their standard deviations; NaN where these are 0.

    lag: 0 for the last rows with the current one among them, 1 for the rows before it.

    >>> window_zscore(np.array([1.0, 2.0, 3.0]), np.array([3, 3, 3]), 3, 1, 0, np.empty(3))
    array([nan, nan,  1.])
    """
    n = values.size
    total, scratch = np.empty(BLOCK), np.empty((4, BLOCK + rows))
    begin = 0
    while begin < n:
        end = ends[begin]
        first = min(begin + rows - 1 + lag, end)
        out[begin:first] = np.nan
        for start in range(first, end, BLOCK):
            stop = min(start + BLOCK, end)
            spread = out[start:stop]
            _moments(values[start - lag - rows + 1 : stop - lag], rows, total[: stop - start], spread, scratch)
            _standardise(values[start:stop], total[: stop - start], spread, 1.0 / rows, 1.0 / (rows - ddof))
        begin = end
    return out


@kernel
def _moments(values: Floats, rows: int, total: Floats, spread: Floats, scratch: Floats) -> None:
    """For each window of a block its sum, and the sum of the squared deviations from its mean.

    Two pieces of m and n rows with sums a and b: the deviations of the whole are those of both pieces plus
    (a/m - b/n)² · mn / (m + n) (Chan, Golub and LeVeque 1979), exact even where the mean is large beside the spread.
    """
    level, above, level_spread, above_spread = scratch[0], scratch[1], scratch[2], scratch[3]
    n = values.size
    used = rows & 1
    if used:
        total[:] = values[rows - 1 :]
        spread[:] = 0.0
    _pair(values[:-1], values[1:], level[1:n], level_spread[1:n])
    size = 2
    while True:
        if rows & size:
            piece, piece_spread = level[rows - 1 - used : n - used], level_spread[rows - 1 - used : n - used]
            if used:
                _merge(total, spread, used, piece, piece_spread, size)
                add_to(total, piece)
            else:
                total[:] = piece
                spread[:] = piece_spread
            used += size
        if used == rows:
            return
        older, newer = level[: n - size], level[size:n]
        _join(older, newer, level_spread[: n - size], level_spread[size:n], 0.5 / size, above_spread[size:n])
        add(older, newer, above[size:n])
        level, above = above, level
        level_spread, above_spread = above_spread, level_spread
        size *= 2


@kernel
def _pair(older: Floats, newer: Floats, total: Floats, spread: Floats) -> None:
    for i in range(total.size):
        gap = newer[i] - older[i]
        total[i] = newer[i] + older[i]
        spread[i] = gap * gap * 0.5


@kernel
def _join(older: Floats, newer: Floats, older_spread: Floats, newer_spread: Floats, weight: float, out: Floats) -> None:
    for i in range(out.size):
        gap = newer[i] - older[i]
        out[i] = newer_spread[i] + older_spread[i] + gap * gap * weight


@kernel
def _merge(total: Floats, spread: Floats, rows: int, piece: Floats, piece_spread: Floats, size: int) -> None:
    of_all, of_piece, weight = 1.0 / rows, 1.0 / size, rows * size / (rows + size)
    for i in range(total.size):
        gap = piece[i] * of_piece - total[i] * of_all
        spread[i] += piece_spread[i] + gap * gap * weight


@kernel
def _take_root(spread: Floats, share: float) -> None:
    for i in range(spread.size):
        spread[i] = np.sqrt(spread[i] * share)


@kernel
def _widen(total: Floats, spread: Floats, rows: int, factor: float) -> None:
    for i in range(spread.size):
        spread[i] = factor * np.sqrt(spread[i] * rows) / total[i]


@kernel
def _standardise(values: Floats, total: Floats, spread: Floats, of_mean: float, of_spread: float) -> None:
    for i in range(spread.size):
        deviation = np.sqrt(spread[i] * of_spread)
        spread[i] = (values[i] - total[i] * of_mean) / (deviation if deviation > 0.0 else np.nan)
