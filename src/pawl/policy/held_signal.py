"""From signals to positions: a signal is followed until its target, its stop or its last bar, or until a newer one."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["Barriers", "held_sides"]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

Barriers: TypeAlias = tuple[float, float, int]
"""Target and stop, in average true ranges of the signal's bar, and the bars after which it is over."""


@njit(cache=True, error_model="numpy")
def held_sides(sides: Ints, starts: Ints, prices: Floats, atr: Floats, barriers: Barriers) -> Ints:
    """The side to hold behind each close, (n,) of 1, −1 or 0.

    sides: (n,) of the signals, 0 for none. starts: (n,) first row of the row's ticker; rows in the order of (ticker,
    ts). prices: (n, 3) high, low, close. atr: (n,).
    A signal's levels stand at its close ± multiples of its average true range. It is over at the close of the bar that
    reaches one of them, and at that of its last bar; a newer signal takes its place. So a row's answer follows from the
    rows inside one horizon, however long the history before them.

    >>> prices = np.array([[1.0, 1.0, 1.0], [1.1, 1.0, 1.0], [1.4, 1.0, 1.3], [1.3, 1.3, 1.3]])
    >>> held_sides(np.array([1, 0, 0, 0]), np.zeros(4, np.int64), prices, np.full(4, 0.2), (1.5, 1.0, 16)).tolist()
    [1, 1, 0, 0]
    """
    target, stop, horizon = barriers
    held = np.zeros(sides.size, np.int64)
    side, age, level, floor = 0, 0, 0.0, 0.0
    for row in range(sides.size):
        if starts[row] == row:
            side = 0
        if side != 0:
            age += 1
            best, worst = (prices[row, 0], prices[row, 1]) if side > 0 else (prices[row, 1], prices[row, 0])
            if side * (worst - floor) <= 0.0 or side * (best - level) >= 0.0 or age >= horizon:
                side = 0
        if sides[row] != 0 and atr[row] == atr[row]:
            side, age = sides[row], 0
            level = prices[row, 2] + side * target * atr[row]
            floor = prices[row, 2] - side * stop * atr[row]
        held[row] = side
    return held
