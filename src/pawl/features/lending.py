"""Memory for what kernels hand to each other on the way to a feature, lent again and again.

A column of a long frame is many megabytes. Asked of the system for every intermediate result, each of its pages would
be cleared and mapped anew, which takes longer than most kernels; so a few columns are kept for the time of one
computation. A finished feature never lies in lent memory.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import numpy as np

from pawl.features.windows import Floats

__all__ = ["Lend", "forget", "lending"]

Lend: TypeAlias = Callable[[], Floats]

# One `pop` and one `extend` of a list cannot be torn apart by another thread, so two computations may share it.
_idle: list[Floats] = []


@contextmanager
def lending(rows: int) -> Iterator[Lend]:
    """A function that gives a column of so many rows, holding anything; all of them are due back at the end.

    >>> with lending(3) as lend:
    ...     lend().shape
    (3,)
    """
    lent: list[Floats] = []

    def lend() -> Floats:
        try:
            column = _idle.pop()
        except IndexError:
            column = np.empty(rows)
        if column.size < rows:
            column = np.empty(rows)
        lent.append(column)
        return column[:rows]

    try:
        yield lend
    finally:
        _idle.extend(lent)


def forget() -> None:
    """Give the memory back to the system."""
    _idle.clear()
