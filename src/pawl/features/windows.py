"""Compiled kernels over fixed windows of rows: sums, extremes and weighted sums, ticker by ticker.

Every kernel takes contiguous float64 columns, where NaN means missing, and `ends` (for each row the row behind the
last one of its ticker), fills the float64 column `out`, another one, and gives it back: NaN while a ticker has too few
rows, and wherever a window holds a NaN.

A window is added up by doubling: sums of 1, 2, 4, 8 ... rows, combined by the binary digits of its length. So a value
depends on the rows of its window alone, to the last bit: nothing older leaves a rounding error behind, as a running
sum would. And every pass is a plain loop over neighbours (`add`, `_higher` ...), which the compiler turns into vector
instructions; each is a function of its own because that is what lets it see that the arrays are apart.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pawl.features.kernel import kernel

__all__ = [
    "BLOCK",
    "Ends",
    "Floats",
    "add",
    "add_to",
    "window_max",
    "window_min",
    "window_sum",
    "window_weighted",
]

Floats: TypeAlias = npt.NDArray[np.float64]
Ends: TypeAlias = npt.NDArray[np.int64]

# Rows worked on at once: a handful of arrays of this length stay in the first-level cache.
BLOCK = 512


@kernel
def window_sum(values: Floats, ends: Ends, rows: int, out: Floats) -> Floats:
    """Sum of the last `rows` rows.

    >>> window_sum(np.array([1.0, 2.0, 3.0, 4.0]), np.array([4, 4, 4, 4]), 3, np.empty(4))
    array([nan, nan,  6.,  9.])
    """
    n = values.size
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


@kernel
def _sum_block(rows: int, total: Floats, level: Floats, above: Floats) -> None:
    n = total.size + rows - 1
    total[:] = 0.0
    size, used = 1, 0
    while True:
        if rows & size:
            add_to(total, level[rows - 1 - used : n - used])
            used += size
        if used == rows:
            return
        add(level[: n - size], level[size:n], above[size:n])
        level, above = above, level
        size *= 2


@kernel
def window_max(values: Floats, ends: Ends, rows: int, lag: int, out: Floats) -> Floats:
    """Highest of `rows` rows; lag: 0 for the last rows with the current one among them, 1 for the rows before it.

    >>> window_max(np.array([3.0, 1.0, 2.0, np.nan, 1.0]), np.full(5, 5), 2, 0, np.empty(5))
    array([nan,  3.,  2., nan, nan])
    """
    return _window_extreme(values, ends, rows, lag, 1.0, out)


@kernel
def window_min(values: Floats, ends: Ends, rows: int, lag: int, out: Floats) -> Floats:
    """Lowest of `rows` rows; lag as for the highest.

    >>> window_min(np.array([3.0, 1.0, 2.0]), np.full(3, 3), 2, 0, np.empty(3))
    array([nan,  1.,  1.])
    """
    return _window_extreme(values, ends, rows, lag, -1.0, out)


@kernel
def _window_extreme(values: Floats, ends: Ends, rows: int, lag: int, sign: float, out: Floats) -> Floats:
    n = values.size
    level, above = np.empty(BLOCK + rows), np.empty(BLOCK + rows)
    begin = 0
    while begin < n:
        end = ends[begin]
        first = min(begin + rows - 1 + lag, end)
        out[begin:first] = np.nan
        for start in range(first, end, BLOCK):
            stop = min(start + BLOCK, end)
            # The lowest is the highest of the mirrored values.
            _scale(values[start - lag - rows + 1 : stop - lag], sign, level)
            _max_block(rows, sign, out[start:stop], level, above)
        begin = end
    return out


@kernel
def _max_block(rows: int, sign: float, extreme: Floats, level: Floats, above: Floats) -> None:
    n = extreme.size + rows - 1
    size = 1
    while 2 * size <= rows:
        _higher(level[: n - size], level[size:n], 1.0, above[size:n])
        level, above = above, level
        size *= 2
    # Two overlapping pieces cover the window: the highest of both does not mind a row that is in both.
    _higher(level[size - 1 : size - 1 + extreme.size], level[rows - 1 : n], sign, extreme)


@kernel
def window_weighted(values: Floats, ends: Ends, weights: Floats, out: Floats) -> Floats:
    """Weighted sum of the last rows; `weights` are ordered from the oldest row to the current one.

    >>> window_weighted(np.array([1.0, 2.0, 4.0]), np.array([3, 3, 3]), np.array([-1.0, 1.0]), np.empty(3))
    array([nan,  1.,  2.])
    """
    n, rows = values.size, weights.size
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


@kernel
def add(a: Floats, b: Floats, out: Floats) -> None:
    """out = a + b; `out` must be neither of them (`add_to` is for that), or the loop cannot be vectorised."""
    for i in range(out.size):
        out[i] = a[i] + b[i]


@kernel
def add_to(total: Floats, values: Floats) -> None:
    """total += values."""
    for i in range(total.size):
        total[i] += values[i]


@kernel
def _add_scaled(total: Floats, values: Floats, weight: float) -> None:
    for i in range(total.size):
        total[i] += weight * values[i]


@kernel
def _scale(values: Floats, factor: float, out: Floats) -> None:
    for i in range(values.size):
        out[i] = factor * values[i]


@kernel
def _higher(a: Floats, b: Floats, factor: float, out: Floats) -> None:
    for i in range(out.size):
        # The first test is false for a NaN on either side, the second picks the one that is it.
        out[i] = factor * (b[i] if (a[i] <= b[i] or b[i] != b[i]) else a[i])
