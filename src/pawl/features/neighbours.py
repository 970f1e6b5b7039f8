"""Compiled kernels that set a row beside another row of its ticker, or one column beside another.

Same contract as the window kernels: float64 in and out, NaN for missing, `ends` marks where tickers end.
"""

import numpy as np
from numba import njit

from pawl.features.windows import Ends, Floats

__all__ = ["growth", "lagged", "quotient", "signed_by_change", "true_ranges"]


@njit(cache=True, nogil=True)
def lagged(values: Floats, ends: Ends, rows: int) -> Floats:
    """The value `rows` rows ago.

    >>> lagged(np.array([1.0, 2.0, 3.0]), np.array([3, 3, 3]), 1)
    array([nan,  1.,  2.])
    """
    n = values.size
    out = np.empty(n)
    begin = 0
    while begin < n:
        end = ends[begin]
        first = min(begin + rows, end)
        out[begin:first] = np.nan
        out[first:end] = values[first - rows : end - rows]
        begin = end
    return out


@njit(cache=True, nogil=True)
def growth(values: Floats, ends: Ends, rows: int) -> Floats:
    """The value divided by the value `rows` rows ago.

    >>> growth(np.array([1.0, 2.0, 3.0]), np.array([3, 3, 3]), 1)
    array([nan, 2. , 1.5])
    """
    n = values.size
    out = np.empty(n)
    begin = 0
    while begin < n:
        end = ends[begin]
        first = min(begin + rows, end)
        out[begin:first] = np.nan
        for row in range(first, end):
            out[row] = values[row] / values[row - rows]
        begin = end
    return out


@njit(cache=True, nogil=True)
def quotient(above: Floats, below: Floats) -> Floats:
    """One column divided by another; NaN where the divisor is 0.

    >>> quotient(np.array([1.0, 1.0]), np.array([2.0, 0.0]))
    array([0.5, nan])
    """
    out = np.empty(above.size)
    for row in range(above.size):
        divisor = below[row]
        out[row] = above[row] / (divisor if divisor != 0.0 else np.nan)
    return out


@njit(cache=True, nogil=True)
def true_ranges(high: Floats, low: Floats, close: Floats, ends: Ends) -> Floats:
    """Range of a bar with the gap from the close before it: max(high, close before) - min(low, close before).

    Missing on a ticker's first row, which has no close before it.

    >>> true_ranges(np.array([3.0, 4.0]), np.array([2.0, 3.5]), np.array([2.0, 4.0]), np.array([2, 2]))
    array([nan,  2.])
    """
    n = close.size
    out = np.empty(n)
    begin = 0
    while begin < n:
        end = ends[begin]
        out[begin] = np.nan
        for row in range(begin + 1, end):
            before = close[row - 1]
            top = before if before > high[row] else high[row]
            bottom = before if before < low[row] else low[row]
            # A missing close before loses both comparisons; subtracting it twice makes the row missing.
            out[row] = (top - before) + (before - bottom)
        begin = end
    return out


@njit(cache=True, nogil=True)
def signed_by_change(sizes: Floats, values: Floats, ends: Ends) -> Floats:
    """The size with the sign of the change of the value; 0 where it did not change.

    >>> signed_by_change(np.array([5.0, 6.0, 7.0]), np.array([1.0, 2.0, 2.0]), np.array([3, 3, 3]))
    array([nan,  6.,  0.])
    """
    n = values.size
    out = np.empty(n)
    begin = 0
    while begin < n:
        end = ends[begin]
        out[begin] = np.nan
        for row in range(begin + 1, end):
            change = values[row] - values[row - 1]
            sign = 1.0 if change > 0.0 else (-1.0 if change < 0.0 else change)
            out[row] = sign * sizes[row]
        begin = end
    return out
