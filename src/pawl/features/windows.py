"""Compiled kernels over fixed windows of rows: sums, spreads, extremes and weighted sums, ticker by ticker.

Every kernel takes contiguous float64 columns, where NaN means missing, and `ends` (for each row the row behind the
last one of its ticker), and gives a float64 column: NaN while a ticker has too few rows, and wherever a window holds
a NaN.

A window is added up by doubling: sums of 1, 2, 4, 8 ... rows, combined by the binary digits of its length. So a value
depends on the rows of its window alone, to the last bit: nothing older leaves a rounding error behind, as a running
sum would. And every pass is a plain loop over neighbours (`_add`, `_join` ...), which the compiler turns into vector
instructions; each is a function of its own because that is what lets it see that the arrays are apart.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = [
    "Ends",
    "Floats",
    "window_max",
    "window_min",
    "window_moments",
    "window_std",
    "window_sum",
    "window_weighted",
    "window_zscore",
]

Floats: TypeAlias = npt.NDArray[np.float64]
Ends: TypeAlias = npt.NDArray[np.int64]

# Rows worked on at once: a handful of arrays of this length stay in the first-level cache.
BLOCK = 512


@njit(cache=True, nogil=True)
def window_sum(values: Floats, ends: Ends, rows: int) -> Floats:
    """Sum of the last `rows` rows.

    >>> window_sum(np.array([1.0, 2.0, 3.0, 4.0]), np.array([4, 4, 4, 4]), 3)
    array([nan, nan,  6.,  9.])
    """
    n = values.size
    out = np.empty(n)
    level, above = np.empty(BLOCK + rows), np.empty(BLOCK + rows)
    begin = 0
    while begin < n:
        end = ends[begin]
        first = min(begin + rows - 1, end)
        out[begin:first] = np.nan
        for start in range(first, end, BLOCK):
            stop = min(start + BLOCK, end)
            level[: stop - start + rows - 1] = values[start - rows + 1 : stop]
            _sum_block(rows, out[start:stop], level, above)
        begin = end
    return out


@njit(cache=True, nogil=True)
def _sum_block(rows: int, total: Floats, level: Floats, above: Floats) -> None:
    n = total.size + rows - 1
    total[:] = 0.0
    size, used = 1, 0
    while True:
        if rows & size:
            _accumulate(total, level[rows - 1 - used : n - used])
            used += size
        if used == rows:
            return
        _add(level[: n - size], level[size:n], above[size:n])
        level, above = above, level
        size *= 2


@njit(cache=True, nogil=True)
def window_moments(values: Floats, ends: Ends, rows: int) -> tuple[Floats, Floats]:
    """Sum of the last `rows` rows, and the sum of their squared deviations from their mean.

    Two pieces of m and n rows with sums a and b: the deviations of the whole are those of both pieces plus
    (a/m - b/n)² · mn / (m + n) (Chan, Golub and LeVeque 1979), exact even where the mean is large beside the spread.

    >>> total, deviations = window_moments(np.array([1.0, 2.0, 6.0]), np.array([3, 3, 3]), 3)
    >>> total, deviations.round(12)
    (array([nan, nan,  9.]), array([nan, nan, 14.]))
    """
    n = values.size
    total, spread = np.empty(n), np.empty(n)
    scratch = np.empty((4, BLOCK + rows))
    begin = 0
    while begin < n:
        end = ends[begin]
        first = min(begin + rows - 1, end)
        total[begin:first] = np.nan
        spread[begin:first] = np.nan
        for start in range(first, end, BLOCK):
            stop = min(start + BLOCK, end)
            scratch[0, : stop - start + rows - 1] = values[start - rows + 1 : stop]
            _moments_block(rows, total[start:stop], spread[start:stop], scratch)
        begin = end
    return total, spread


@njit(cache=True, nogil=True)
def _moments_block(rows: int, total: Floats, spread: Floats, scratch: Floats) -> None:
    level, above, level_spread, above_spread = scratch[0], scratch[1], scratch[2], scratch[3]
    n = total.size + rows - 1
    total[:] = 0.0
    spread[:] = 0.0
    level_spread[:n] = 0.0
    size, used = 1, 0
    while True:
        if rows & size:
            piece = level[rows - 1 - used : n - used]
            if used:
                _merge(total, spread, used, piece, level_spread[rows - 1 - used : n - used], size)
            else:
                _accumulate(spread, level_spread[rows - 1 : n])
            _accumulate(total, piece)
            used += size
        if used == rows:
            return
        older, newer = level[: n - size], level[size:n]
        _join(older, newer, level_spread[: n - size], level_spread[size:n], 0.5 / size, above_spread[size:n])
        _add(older, newer, above[size:n])
        level, above = above, level
        level_spread, above_spread = above_spread, level_spread
        size *= 2


@njit(cache=True, nogil=True)
def window_std(values: Floats, ends: Ends, rows: int, ddof: int) -> Floats:
    """Standard deviation of the last `rows` rows, divided by rows - ddof.

    >>> window_std(np.array([1.0, 2.0, 3.0]), np.array([3, 3, 3]), 3, 1)
    array([nan, nan,  1.])
    """
    _, spread = window_moments(values, ends, rows)
    for row in range(values.size):
        spread[row] = np.sqrt(spread[row] / (rows - ddof))
    return spread


@njit(cache=True, nogil=True)
def window_zscore(values: Floats, ends: Ends, rows: int, lag: int) -> Floats:
    """Distance from the mean of `rows` rows in their sample standard deviations; NaN where these are 0.

    lag: 0 for the last rows with the current one among them, 1 for the rows before it.

    >>> window_zscore(np.array([1.0, 2.0, 3.0]), np.array([3, 3, 3]), 3, 0)
    array([nan, nan,  1.])
    """
    total, spread = window_moments(values, ends, rows)
    n = values.size
    out = np.empty(n)
    begin = 0
    while begin < n:
        end = ends[begin]
        first = min(begin + lag, end)
        out[begin:first] = np.nan
        _standardise(
            values[first:end], total[first - lag : end - lag], spread[first - lag : end - lag], rows, out[first:end]
        )
        begin = end
    return out


@njit(cache=True, nogil=True)
def _standardise(values: Floats, total: Floats, spread: Floats, rows: int, out: Floats) -> None:
    for i in range(out.size):
        deviation = np.sqrt(spread[i] / (rows - 1))
        out[i] = (values[i] - total[i] / rows) / (deviation if deviation > 0.0 else np.nan)


@njit(cache=True, nogil=True)
def window_max(values: Floats, ends: Ends, rows: int) -> Floats:
    """Highest of the last `rows` rows.

    >>> window_max(np.array([3.0, 1.0, 2.0, np.nan, 1.0]), np.full(5, 5), 2)
    array([nan,  3.,  2., nan, nan])
    """
    return _window_extreme(values, ends, rows, 1.0)


@njit(cache=True, nogil=True)
def window_min(values: Floats, ends: Ends, rows: int) -> Floats:
    """Lowest of the last `rows` rows.

    >>> window_min(np.array([3.0, 1.0, 2.0]), np.full(3, 3), 2)
    array([nan,  1.,  1.])
    """
    return _window_extreme(values, ends, rows, -1.0)


@njit(cache=True, nogil=True)
def _window_extreme(values: Floats, ends: Ends, rows: int, sign: float) -> Floats:
    n = values.size
    out = np.empty(n)
    level, above = np.empty(BLOCK + rows), np.empty(BLOCK + rows)
    begin = 0
    while begin < n:
        end = ends[begin]
        first = min(begin + rows - 1, end)
        out[begin:first] = np.nan
        for start in range(first, end, BLOCK):
            stop = min(start + BLOCK, end)
            # The lowest is the highest of the mirrored values.
            _scale(values[start - rows + 1 : stop], sign, level[: stop - start + rows - 1])
            _max_block(rows, out[start:stop], level, above)
            _scale(out[start:stop], sign, out[start:stop])
        begin = end
    return out


@njit(cache=True, nogil=True)
def _max_block(rows: int, highest: Floats, level: Floats, above: Floats) -> None:
    n = highest.size + rows - 1
    size = 1
    while 2 * size <= rows:
        _higher(level[: n - size], level[size:n], above[size:n])
        level, above = above, level
        size *= 2
    # Two overlapping pieces cover the window: the highest of both does not mind a row that is in both.
    _higher(level[size - 1 : size - 1 + highest.size], level[rows - 1 : n], highest)


@njit(cache=True, nogil=True)
def window_weighted(values: Floats, ends: Ends, weights: Floats) -> Floats:
    """Weighted sum of the last rows; `weights` are ordered from the oldest row to the current one.

    >>> window_weighted(np.array([1.0, 2.0, 4.0]), np.array([3, 3, 3]), np.array([-1.0, 1.0]))
    array([nan,  1.,  2.])
    """
    n, rows = values.size, weights.size
    out = np.empty(n)
    begin = 0
    while begin < n:
        end = ends[begin]
        first = min(begin + rows - 1, end)
        out[begin:first] = np.nan
        for start in range(first, end, BLOCK):
            stop = min(start + BLOCK, end)
            out[start:stop] = 0.0
            for k in range(rows):
                _add_scaled(out[start:stop], values[start - rows + 1 + k : stop - rows + 1 + k], weights[k])
        begin = end
    return out


@njit(cache=True, nogil=True)
def _add(a: Floats, b: Floats, out: Floats) -> None:
    for i in range(out.size):
        out[i] = a[i] + b[i]


@njit(cache=True, nogil=True)
def _accumulate(total: Floats, values: Floats) -> None:
    for i in range(total.size):
        total[i] += values[i]


@njit(cache=True, nogil=True)
def _add_scaled(total: Floats, values: Floats, weight: float) -> None:
    for i in range(total.size):
        total[i] += weight * values[i]


@njit(cache=True, nogil=True)
def _scale(values: Floats, factor: float, out: Floats) -> None:
    for i in range(out.size):
        out[i] = factor * values[i]


@njit(cache=True, nogil=True)
def _higher(a: Floats, b: Floats, out: Floats) -> None:
    for i in range(out.size):
        # The first test is false for a NaN on either side, the second picks the one that is it.
        out[i] = b[i] if (a[i] <= b[i] or b[i] != b[i]) else a[i]


@njit(cache=True, nogil=True)
def _join(older: Floats, newer: Floats, older_spread: Floats, newer_spread: Floats, weight: float, out: Floats) -> None:
    for i in range(out.size):
        gap = newer[i] - older[i]
        out[i] = newer_spread[i] + older_spread[i] + gap * gap * weight


@njit(cache=True, nogil=True)
def _merge(total: Floats, spread: Floats, rows: int, piece: Floats, piece_spread: Floats, size: int) -> None:
    of_all, of_piece, weight = 1.0 / rows, 1.0 / size, rows * size / (rows + size)
    for i in range(total.size):
        gap = piece[i] * of_piece - total[i] * of_all
        spread[i] += piece_spread[i] + gap * gap * weight
