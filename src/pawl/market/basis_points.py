"""Basis points, in which small shares of a price, a notional or an equity are told.

>>> 0.0025 * BPS, 25.0 / BPS
(25.0, 0.0025)
"""

__all__ = ["BPS"]

BPS = 1e4
"""Basis points in a whole: a fraction times this is in basis points."""
