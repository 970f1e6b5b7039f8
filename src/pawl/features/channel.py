"""Compiled kernel: the commodity channel index. Same contract as the window kernels."""

import numpy as np

from pawl.features.kernel import kernel
from pawl.features.windows import Ends, Floats

__all__ = ["commodity_channel"]


@kernel
def commodity_channel(values: Floats, ends: Ends, rows: int, out: Floats) -> Floats:
    """(x − mean) / (0.015 · mean |x − mean|) over the last `rows` rows; 0 where they are all equal (Lambert, 1980).

    >>> commodity_channel(np.array([1.0, 2.0, 3.0, 3.0]), np.full(4, 4), 2, np.empty(4)).round(3)
    array([   nan, 66.667, 66.667,  0.   ])
    """
    begin = 0
    while begin < values.size:
        end = ends[begin]
        first = min(begin + rows - 1, end)
        out[begin:first] = np.nan
        for row in range(first, end):
            total, low, high = 0.0, values[row], values[row]
            for each in range(row - rows + 1, row + 1):
                value = values[each]
                total += value
                low = value if value < low else low
                high = value if value > high else high
            mean = total / rows
            away = 0.0
            for each in range(row - rows + 1, row + 1):
                away += abs(values[each] - mean)
            # Equal values have a mean that may be a rounding off; its deviation is no spread.
            spread = 0.015 * away / rows
            out[row] = 0.0 if (low == high and total == total) or spread == 0.0 else (values[row] - mean) / spread
        begin = end
    return out
