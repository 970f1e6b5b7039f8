"""Compiled kernel: how long ago the extreme of a window was. Same contract as the window kernels."""

import numpy as np

from pawl.features.kernel import kernel
from pawl.features.windows import Ends, Floats

__all__ = ["rows_since_extreme"]


@kernel
def rows_since_extreme(values: Floats, ends: Ends, rows: int, sign: float, out: Floats) -> Floats:
    """Rows since the highest (sign 1) or lowest (sign −1) of the last `rows` rows; of equal ones the latest counts.

    >>> rows_since_extreme(np.array([3.0, 1.0, 2.0, 2.0]), np.full(4, 4), 3, 1.0, np.empty(4))
    array([nan, nan,  2.,  0.])
    """
    begin = 0
    while begin < values.size:
        end = ends[begin]
        first = min(begin + rows - 1, end)
        out[begin:first] = np.nan
        place = -1
        for row in range(first, end):
            oldest = row - rows + 1
            # The place moves on when a newer value reaches the extreme; only when it drops out is the window searched.
            if place < oldest:
                place = oldest
                for each in range(oldest + 1, row + 1):
                    place = each if sign * values[each] >= sign * values[place] else place
            elif sign * values[row] >= sign * values[place]:
                place = row
            is_known = True
            for each in range(oldest, row + 1):
                is_known = is_known and values[each] == values[each]
            out[row] = row - place if is_known else np.nan
            # A missing value compares with nothing: search anew behind it.
            place = place if is_known else -1
        begin = end
    return out
