"""Compiled kernels that set a row beside another row of its ticker, or one column beside another.

Same contract as the window kernels: float64 in and out, NaN for missing, `ends` marks where tickers end. The last three
need no `ends`; they write over their first argument, so that no further column is asked of the memory.
"""

import numpy as np

from pawl.features.kernel import kernel
from pawl.features.windows import Ends, Floats

__all__ = [
    "difference",
    "divide_by",
    "divide_into",
    "growth",
    "lagged",
    "place_between",
    "signed_by_change",
    "true_ranges",
]


@kernel
def lagged(values: Floats, ends: Ends, rows: int, out: Floats) -> Floats:
    """The value `rows` rows ago.

    >>> lagged(np.array([1.0, 2.0, 3.0]), np.array([3, 3, 3]), 1, np.empty(3))
    array([nan,  1.,  2.])
    """
    n = values.size
    begin = 0
    while begin < n:
        end = ends[begin]
        first = min(begin + rows, end)
        out[begin:first] = np.nan
        out[first:end] = values[first - rows : end - rows]
        begin = end
    return out


@kernel
def growth(values: Floats, ends: Ends, rows: int, less: float, out: Floats) -> Floats:
    """The value divided by the value `rows` rows ago, less a constant (1 makes it a relative change).

    >>> growth(np.array([1.0, 2.0, 3.0]), np.array([3, 3, 3]), 1, 1.0, np.empty(3))
    array([nan, 1. , 0.5])
    """
    n = values.size
    begin = 0
    while begin < n:
        end = ends[begin]
        first = min(begin + rows, end)
        out[begin:first] = np.nan
        _grow(values[first:end], values[first - rows : end - rows], less, out[first:end])
        begin = end
    return out


@kernel
def _grow(now: Floats, then: Floats, less: float, out: Floats) -> None:
    for i in range(out.size):
        out[i] = now[i] / then[i] - less


@kernel
def difference(values: Floats, ends: Ends, rows: int, out: Floats) -> Floats:
    """The value less the value `rows` rows ago.

    >>> difference(np.array([1.0, 2.0, 4.0]), np.array([3, 3, 3]), 1, np.empty(3))
    array([nan,  1.,  2.])
    """
    n = values.size
    begin = 0
    while begin < n:
        end = ends[begin]
        first = min(begin + rows, end)
        out[begin:first] = np.nan
        _subtract(values[first:end], values[first - rows : end - rows], out[first:end])
        begin = end
    return out


@kernel
def _subtract(now: Floats, then: Floats, out: Floats) -> None:
    for i in range(out.size):
        out[i] = now[i] - then[i]


@kernel
def true_ranges(high: Floats, low: Floats, close: Floats, ends: Ends, out: Floats) -> Floats:
    """Range of a bar with the gap from the close before it: max(high, close before) - min(low, close before).

    Missing on a ticker's first row, which has no close before it.

    >>> true_ranges(np.array([3.0, 4.0]), np.array([2.0, 3.5]), np.array([2.0, 4.0]), np.array([2, 2]), np.empty(2))
    array([nan,  2.])
    """
    n = close.size
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


@kernel
def signed_by_change(sizes: Floats, values: Floats, ends: Ends, out: Floats) -> Floats:
    """The size with the sign of the change of the value; 0 where it did not change.

    >>> signed_by_change(np.array([5.0, 6.0, 7.0]), np.array([1.0, 2.0, 2.0]), np.array([3, 3, 3]), np.empty(3))
    array([nan,  6.,  0.])
    """
    n = values.size
    begin = 0
    while begin < n:
        end = ends[begin]
        out[begin] = np.nan
        for row in range(begin + 1, end):
            # np.sign has no branch to guess wrong, and hands a NaN on.
            out[row] = np.sign(values[row] - values[row - 1]) * sizes[row]
        begin = end
    return out


@kernel
def divide_by(values: Floats, divisors: Floats, factor: float) -> Floats:
    """values = factor · values / divisors, in place; NaN where a divisor is 0.

    >>> divide_by(np.array([1.0, 1.0]), np.array([2.0, 0.0]), 10.0)
    array([ 5., nan])
    """
    for row in range(values.size):
        values[row] = factor * values[row] / (divisors[row] if divisors[row] != 0.0 else np.nan)
    return values


@kernel
def divide_into(divisors: Floats, values: Floats, count: int, less: float) -> Floats:
    """divisors = values / (divisors / count) - less, in place; NaN where a divisor is 0.

    >>> divide_into(np.array([8.0, 0.0]), np.array([8.0, 8.0]), 2, 1.0)
    array([ 1., nan])
    """
    for row in range(divisors.size):
        # A true division: the mean of equal values is that value, to the bit.
        divisor = divisors[row] / count
        divisors[row] = values[row] / (divisor if divisor != 0.0 else np.nan) - less
    return divisors


@kernel
def place_between(top: Floats, bottom: Floats, values: Floats) -> Floats:
    """top = where the value lies between bottom, 0, and top, 1, in place; NaN where they are one.

    >>> place_between(np.array([4.0, 5.0]), np.array([0.0, 5.0]), np.array([1.0, 5.0]))
    array([0.25,  nan])
    """
    for row in range(values.size):
        width = top[row] - bottom[row]
        top[row] = (values[row] - bottom[row]) / (width if width != 0.0 else np.nan)
    return top
