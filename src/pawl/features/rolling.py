"""Rolling and recursive operations as Polars expressions, ticker by ticker, compiled underneath.

They read columns of a frame that `build_dataset` has ordered by (ticker, ts) and given its segment column. A row is
null while its ticker has too few rows before it, and while a null stands among the rows it reads. Columns without
nulls are handed to the kernels without a copy.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import polars as pl

from pawl.features import neighbours, recursions, windows
from pawl.features.segments import SEGMENT
from pawl.features.windows import Ends, Floats

__all__ = [
    "change",
    "count",
    "ema",
    "highest",
    "lag",
    "log_change",
    "lowest",
    "ratio",
    "rows_since",
    "rsi",
    "settled_rows",
    "signed_volume",
    "sma",
    "std",
    "true_range",
    "weighted",
    "wilder",
    "zscore",
    "zscore_before",
]

Kernel: TypeAlias = Callable[[list[Floats], Ends], Floats]

START_WEIGHT = 1e-9
"""Below this weight the start of a recursive mean no longer counts."""


def lag(column: pl.Expr, rows: int) -> pl.Expr:
    """The value `rows` rows ago."""
    return _by_ticker(lambda x, ends: neighbours.lagged(x[0], ends, rows), column)


def change(column: pl.Expr, rows: int) -> pl.Expr:
    """Relative change over `rows` rows, fraction."""
    return _by_ticker(lambda x, ends: neighbours.growth(x[0], ends, rows), column) - 1.0


def log_change(column: pl.Expr, rows: int) -> pl.Expr:
    """Change of the natural logarithm over `rows` rows."""
    return _by_ticker(lambda x, ends: np.log(neighbours.growth(x[0], ends, rows)), column)


def ratio(above: pl.Expr, below: pl.Expr) -> pl.Expr:
    """One column divided by another; null where the divisor is 0."""
    return _by_ticker(lambda x, ends: neighbours.quotient(x[0], x[1]), above, below)


def true_range(high: pl.Expr, low: pl.Expr, close: pl.Expr) -> pl.Expr:
    """Range of a bar with the gap from the close before it, in price units."""
    return _by_ticker(lambda x, ends: neighbours.true_ranges(x[0], x[1], x[2], ends), high, low, close)


def signed_volume(volume: pl.Expr, close: pl.Expr) -> pl.Expr:
    """Volume, negative when the close fell, 0 when it stood: what on-balance volume (OBV) adds up."""
    return _by_ticker(lambda x, ends: neighbours.signed_by_change(x[0], x[1], ends), volume, close)


def sma(column: pl.Expr, rows: int) -> pl.Expr:
    """Plain mean of the last `rows` rows."""
    return _by_ticker(lambda x, ends: windows.window_sum(x[0], ends, rows) / rows, column)


def std(column: pl.Expr, rows: int, ddof: int = 1) -> pl.Expr:
    """Standard deviation of the last `rows` rows, divided by rows - ddof (1 for a sample, 0 for the rows alone)."""
    return _by_ticker(lambda x, ends: windows.window_std(x[0], ends, rows, ddof), column)


def zscore(column: pl.Expr, rows: int) -> pl.Expr:
    """Distance from the mean of the last `rows` rows in their (sample) standard deviations; null where they are 0."""
    return _by_ticker(lambda x, ends: windows.window_zscore(x[0], ends, rows, 0), column)


def zscore_before(column: pl.Expr, rows: int) -> pl.Expr:
    """Distance from the mean of the `rows` rows before this one in their sample standard deviations."""
    return _by_ticker(lambda x, ends: windows.window_zscore(x[0], ends, rows, 1), column)


def highest(column: pl.Expr, rows: int) -> pl.Expr:
    """Highest of the last `rows` rows."""
    return _by_ticker(lambda x, ends: windows.window_max(x[0], ends, rows), column)


def lowest(column: pl.Expr, rows: int) -> pl.Expr:
    """Lowest of the last `rows` rows."""
    return _by_ticker(lambda x, ends: windows.window_min(x[0], ends, rows), column)


def count(column: pl.Expr, rows: int) -> pl.Expr:
    """How many of the last `rows` rows are true; null while one of them is not known."""
    return _by_ticker(lambda x, ends: windows.window_sum(x[0], ends, rows), column).cast(pl.Int32)


def weighted(column: pl.Expr, weights: Floats) -> pl.Expr:
    """Weighted sum of the last rows, weights from the oldest row to the current one."""
    return _by_ticker(lambda x, ends: windows.window_weighted(x[0], ends, weights), column)


def ema(column: pl.Expr, span: int) -> pl.Expr:
    """Exponential mean with gain 2 / (span + 1), started as the plain mean of the first `span` rows."""
    return _by_ticker(lambda x, ends: recursions.exponential_mean(x[0], ends, span, 2.0 / (span + 1)), column)


def wilder(column: pl.Expr, rows: int) -> pl.Expr:
    """Wilder's mean: gain 1 / rows, started as the plain mean of the first `rows` rows."""
    return _by_ticker(lambda x, ends: recursions.exponential_mean(x[0], ends, rows, 1.0 / rows), column)


def rsi(close: pl.Expr, rows: int) -> pl.Expr:
    """Wilder's relative strength index, 0 to 100; 50 where nothing has moved yet."""
    return _by_ticker(lambda x, ends: recursions.strength_index(x[0], ends, rows), close)


def rows_since(flag: pl.Expr, cap: int) -> pl.Expr:
    """Rows since the flag was last true: 0 on such a row, at most `cap`; `cap` before the first. Never null."""
    return _by_ticker(lambda x, ends: recursions.rows_since(x[0], ends, cap), flag).cast(pl.Int32)


def settled_rows(rows: int, gain: float) -> int:
    """Rows a recursive mean reads until its start, a mean of `rows` rows, weighs less than 1e-9.

    >>> settled_rows(14, 1 / 14)
    294
    """
    return rows + int(np.ceil(np.log(START_WEIGHT) / np.log1p(-gain)))


def _by_ticker(kernel: Kernel, *columns: pl.Expr) -> pl.Expr:
    # Kernels know a missing value as NaN. Polars compares NaN as the largest number, so outside it must be null.
    floats = [column.cast(pl.Float64).fill_null(np.nan) for column in columns]

    def run(series: Sequence[pl.Series]) -> pl.Series:
        *values, ends = [column.to_numpy() for column in series]
        return pl.Series(series[0].name, kernel(values, ends), nan_to_null=True)

    return pl.map_batches([*floats, SEGMENT], run, return_dtype=pl.Float64)
