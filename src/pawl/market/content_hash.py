"""One hash for what a run read, whatever file it lay in."""

import hashlib
from collections.abc import Sequence

import polars as pl

__all__ = ["content_hash"]


def content_hash(frame: pl.DataFrame, columns: Sequence[str]) -> str:
    """SHA-256 over the given columns of every row, in (ticker, ts) order; independent of chunks and row order.

    Numbers count by their bits, so 0.1 + 0.2 and 0.3 differ; times by their microseconds; null differs from NaN.

    >>> frame = pl.DataFrame({"ticker": ["B", "A"], "ts": [1, 2], "close": [10.0, 11.0]})
    >>> content_hash(frame, ["close"]) == content_hash(frame.reverse(), ["close"])
    True
    """
    ordered = frame.sort("ticker", "ts")
    digest = hashlib.sha256()
    tickers = ordered.select(pl.col("ticker").rle()).unnest("ticker")
    for length, ticker in tickers.iter_rows():
        digest.update(f"{len(ticker)}:{ticker}:{length};".encode())
    for name in ("ts", *columns):
        column = ordered.get_column(name).to_physical()
        digest.update(f"{name}:{column.dtype}:{column.null_count()};".encode())
        if column.null_count():
            digest.update(column.is_null().cast(pl.UInt8).to_numpy().tobytes())
        digest.update(column.fill_null(0).to_numpy().tobytes())
    return digest.hexdigest()
