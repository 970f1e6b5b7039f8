"""How the kernels of this room are compiled."""

from numba import njit

__all__ = ["kernel"]

kernel = njit(cache=True, nogil=True, error_model="numpy")
"""Compiled once and kept beside the source; runs without Python's lock; a division by 0 gives infinity or NaN.

With Python's rule, an exception, each division would be a branch, and no loop with one could become vector code.
Fast-math stays off: it would let the compiler reorder sums, and the same history would no longer give the same bits.

>>> import numpy as np
>>> from pawl.features.neighbours import growth
>>> growth(np.array([0.0, 1.0]), np.full(2, 2), 1, 0.0)
array([nan, inf])
"""
