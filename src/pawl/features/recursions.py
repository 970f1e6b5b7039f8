"""Compiled kernels that carry a mean from row to row: exponential means, and Wilder's index of strength.

Same contract as the window kernels. A mean starts as the plain mean of its first rows; a NaN ends it, and it starts
anew behind the gap, so a gap harms the rows it touches and no others.
"""

import numpy as np

from pawl.features.kernel import kernel
from pawl.features.windows import Ends, Floats

__all__ = ["exponential_mean", "spread_of_means", "strength_index"]


@kernel
def exponential_mean(values: Floats, ends: Ends, rows: int, gain: float, out: Floats) -> Floats:
    """m(t) = (1 - gain) · m(t-1) + gain · x(t), started as the mean of the first `rows` values.

    >>> exponential_mean(np.array([1.0, 3.0, 4.0, 8.0]), np.full(4, 4), 2, 0.5, np.empty(4))
    array([nan, 2. , 3. , 5.5])
    """
    n = values.size
    keep = 1.0 - gain
    begin = 0
    while begin < n:
        end = ends[begin]
        row, total, seen = begin, 0.0, 0
        while row < end:
            value = values[row]
            total, seen = (total + value, seen + 1) if value == value else (0.0, 0)
            out[row] = np.nan
            row += 1
            if seen < rows:
                continue
            mean = total / rows
            out[row - 1] = mean
            while row < end and mean == mean:
                mean = keep * mean + gain * values[row]
                out[row] = mean
                row += 1
            total, seen = 0.0, 0
        begin = end
    return out


@kernel
def spread_of_means(values: Floats, ends: Ends, fast: int, slow: int, out: Floats) -> Floats:
    """The exponential mean of a fast span less that of a longer, slow one, with gains 2 / (span + 1).

    Both walk together: neither waits for its own last step while the other takes one.

    >>> spread_of_means(np.array([1.0, 3.0, 9.0]), np.full(3, 3), 1, 2, np.empty(3)).round(3)
    array([  nan, 1.   , 2.333])
    """
    fast_gain, slow_gain = 2.0 / (fast + 1), 2.0 / (slow + 1)
    fast_keep, slow_keep = 1.0 - fast_gain, 1.0 - slow_gain
    begin = 0
    while begin < values.size:
        end, row = ends[begin], begin
        while row < end:
            stop = row
            while stop < end and values[stop] == values[stop]:
                stop += 1
            first = min(row + slow - 1, stop)
            out[row : min(max(first, row + 1), end)] = np.nan
            if stop - row >= slow:
                fast_mean, slow_mean = np.sum(values[row : row + fast]) / fast, np.sum(values[row : row + slow]) / slow
                for seen in range(row + fast, first + 1):
                    fast_mean = fast_keep * fast_mean + fast_gain * values[seen]
                out[first] = fast_mean - slow_mean
                for seen in range(first + 1, stop):
                    fast_mean = fast_keep * fast_mean + fast_gain * values[seen]
                    slow_mean = slow_keep * slow_mean + slow_gain * values[seen]
                    out[seen] = fast_mean - slow_mean
            if stop < end:
                out[stop] = np.nan
            row = stop + 1
        begin = end
    return out


@kernel
def strength_index(close: Floats, ends: Ends, rows: int, at_rest: float, out: Floats) -> Floats:
    """Wilder's relative strength index, 0 to 100 (New Concepts, 1978). at_rest: what it is where nothing has moved yet.

    The means of rises and falls start as plain means of the first `rows` changes.

    >>> strength_index(np.array([1.0, 2.0, 1.0, 2.0]), np.full(4, 4), 2, 50.0, np.empty(4)).round(6)
    array([nan, nan, 50., 75.])
    """
    n = close.size
    keep, half_gain = 1.0 - 1.0 / rows, 0.5 / rows
    begin = 0
    while begin < n:
        end = ends[begin]
        rise, fall, seen = 0.0, 0.0, 0
        out[begin] = np.nan
        for row in range(begin + 1, end):
            change = close[row] - close[row - 1]
            if change != change:
                rise, fall, seen = 0.0, 0.0, 0
                out[row] = np.nan
                continue
            # Half of |x| ± x is the rise and the fall, with no branch to guess wrong.
            size = abs(change)
            fade = keep if seen >= rows else 1.0
            rise = fade * rise + half_gain * (size + change)
            fall = fade * fall + half_gain * (size - change)
            seen += 1
            both = rise + fall
            out[row] = np.nan if seen < rows else (100.0 * rise / both if both > 0.0 else at_rest)
        begin = end
    return out
