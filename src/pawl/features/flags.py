"""Compiled kernels over flags: how many of the last rows are true, and how long ago one was.

A flag is a byte: 0 false, 1 true, UNKNOWN missing. A count is a byte too, -1 for missing, so at most 127 rows are
counted. `ends` marks where tickers end, as for the window kernels.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pawl.features.kernel import kernel
from pawl.features.windows import Ends

__all__ = ["UNKNOWN", "Counts", "Flags", "rows_since_true", "true_count"]

Flags: TypeAlias = npt.NDArray[np.uint8]
Counts: TypeAlias = npt.NDArray[np.int8]

UNKNOWN = 2


@kernel
def true_count(flags: Flags, ends: Ends, rows: int) -> Counts:
    """How many of the last `rows` flags are true; -1 while a ticker has too few rows, or one of them is not known.

    >>> true_count(np.array([1, 0, 1, 2, 1], np.uint8), np.full(5, 5), 2).tolist()
    [-1, 1, 1, -1, -1]
    """
    n = flags.size
    out = np.empty(n, np.int8)
    begin = 0
    while begin < n:
        end = ends[begin]
        # One sum for both: an unknown flag, 2, counts 256, so that it stands above every number of true ones.
        total = 0
        first = min(begin + rows - 1, end)
        for row in range(begin, first):
            total += (flags[row] & 1) + 256 * (flags[row] >> 1)
            out[row] = -1
        for row in range(first, end):
            total += (flags[row] & 1) + 256 * (flags[row] >> 1)
            out[row] = total if total < 256 else -1
            oldest = flags[row - rows + 1]
            total -= (oldest & 1) + 256 * (oldest >> 1)
        begin = end
    return out


@kernel
def rows_since_true(flags: Flags, ends: Ends, cap: int) -> Counts:
    """Rows since a flag was last true: 0 on such a row, `cap` at most, `cap` before the first. Unknown is not true.

    >>> rows_since_true(np.array([0, 1, 0, 2, 0], np.uint8), np.full(5, 5), 3).tolist()
    [3, 0, 1, 2, 3]
    """
    n = flags.size
    out = np.empty(n, np.int8)
    begin = 0
    while begin < n:
        end = ends[begin]
        since = cap
        for row in range(begin, end):
            # A product in place of a branch, which the processor would guess wrong at every event.
            since = min(since + 1, cap) * (1 - (flags[row] & 1))
            out[row] = since
        begin = end
    return out
