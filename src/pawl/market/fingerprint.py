"""A hash of what bars say, whatever files they lie in."""

import hashlib

import polars as pl

from pawl.ids import DatasetHash
from pawl.market.bars import SILVER_SCHEMA

__all__ = ["hash_bars"]


def hash_bars(bars: pl.DataFrame) -> DatasetHash:
    """SHA-256 over every value of silver bars, in the order of (ticker, ts); row order and file layout do not matter.

    bars: SILVER_SCHEMA, no nulls, (ticker, ts) unique. A changed bit in any value changes the hash; -0.0 counts as 0.0.

    >>> bars = pl.DataFrame(schema=SILVER_SCHEMA)
    >>> hash_bars(bars)[:8]
    'e3b0c442'
    """
    digest = hashlib.sha256()
    ordered = bars.select(SILVER_SCHEMA.names()).sort("ticker", "ts")
    for (ticker,), rows in ordered.group_by("ticker", maintain_order=True):
        digest.update(f"{ticker}\n{rows.height}\n".encode())
        for column in rows.drop("ticker").iter_columns():
            numbers = column.cast(pl.Int64) if column.dtype.is_temporal() else column
            digest.update((numbers.to_numpy() + 0).tobytes())
    return DatasetHash(digest.hexdigest())
