"""The columns of a bar, as expressions.

>>> str(CLOSE / OPEN - 1)
'[([(col("close")) / (col("open"))]) - (dyn int: 1)]'
"""

import polars as pl

__all__ = ["CLOSE", "HIGH", "LOW", "OPEN", "VOLUME"]

OPEN = pl.col("open")
HIGH = pl.col("high")
LOW = pl.col("low")
CLOSE = pl.col("close")
VOLUME = pl.col("volume")
