"""Rolling and recursive operations as Polars expressions, ticker by ticker, compiled underneath.

They read columns of a frame that `build_dataset` has ordered by (ticker, ts) and given its segment column. A row is
null while its ticker has too few rows before it, and while a null stands among the rows it reads. Columns without
nulls are handed to the kernels without a copy.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import polars as pl

from pawl.features import channel, extremes, flags, neighbours, recursions, spreads, windows
from pawl.features.flags import Counts, Flags
from pawl.features.lending import Lend, lending
from pawl.features.segments import SEGMENT
from pawl.features.windows import Ends, Floats

__all__ = [
    "above_mean",
    "atr",
    "band_width",
    "change",
    "commodity_channel",
    "count",
    "curvature",
    "curvature_in_spreads",
    "curvature_of_sums",
    "difference",
    "drawdown",
    "ema",
    "ema_spread",
    "highest",
    "lag",
    "log_change",
    "lowest",
    "lowest_before",
    "obv_slope",
    "over_mean",
    "place_in_bands",
    "place_in_range",
    "range_zscore",
    "rows_since",
    "rows_since_highest",
    "rows_since_lowest",
    "rsi",
    "settled_rows",
    "slope_of_sums",
    "sma",
    "std",
    "wilder",
    "zscore",
]

Kernel: TypeAlias = Callable[[list[Floats], Ends, Floats, Lend], Floats]
"""Takes columns, the ends of tickers, the column to fill and a lender of others; gives the filled column back."""

START_WEIGHT = 1e-9
"""Below this weight the start of a recursive mean no longer counts."""


def lag(column: pl.Expr, rows: int) -> pl.Expr:
    """The value `rows` rows ago."""
    return _by_ticker(lambda x, ends, out, _: neighbours.lagged(x[0], ends, rows, out), column)


def change(column: pl.Expr, rows: int) -> pl.Expr:
    """Relative change over `rows` rows, fraction."""
    return _by_ticker(lambda x, ends, out, _: neighbours.growth(x[0], ends, rows, 1.0, out), column)


def log_change(column: pl.Expr, rows: int) -> pl.Expr:
    """Change of the natural logarithm over `rows` rows."""

    def kernel(x: list[Floats], ends: Ends, out: Floats, lend: Lend) -> Floats:
        return np.log(neighbours.growth(x[0], ends, rows, 0.0, out), out=out)

    return _by_ticker(kernel, column)


def difference(column: pl.Expr, rows: int) -> pl.Expr:
    """Change over `rows` rows, in the column's own unit."""
    return _by_ticker(lambda x, ends, out, _: neighbours.difference(x[0], ends, rows, out), column)


def atr(high: pl.Expr, low: pl.Expr, close: pl.Expr, rows: int) -> pl.Expr:
    """Average true range: Wilder's mean of the range of a bar with the gap from the close before it."""

    def kernel(x: list[Floats], ends: Ends, out: Floats, lend: Lend) -> Floats:
        ranges = neighbours.true_ranges(x[0], x[1], x[2], ends, lend())
        return recursions.exponential_mean(ranges, ends, rows, 1.0 / rows, out)

    return _by_ticker(kernel, high, low, close)


def obv_slope(close: pl.Expr, volume: pl.Expr, rows: int) -> pl.Expr:
    """Least-squares slope of on-balance volume over the last `rows` rows, in mean volumes of these rows a row.

    The slope does not mind OBV's level, so the signed volumes inside the window give it: no endless sum.
    """
    weights = slope_of_sums(rows)

    def kernel(x: list[Floats], ends: Ends, out: Floats, lend: Lend) -> Floats:
        signed = neighbours.signed_by_change(x[1], x[0], ends, lend())
        slope = windows.window_weighted(signed, ends, weights, out)
        return neighbours.divide_by(slope, windows.window_sum(x[1], ends, rows, lend()), float(rows))

    return _by_ticker(kernel, close, volume)


def sma(column: pl.Expr, rows: int) -> pl.Expr:
    """Plain mean of the last `rows` rows."""

    def kernel(x: list[Floats], ends: Ends, out: Floats, lend: Lend) -> Floats:
        return np.divide(windows.window_sum(x[0], ends, rows, out), rows, out=out)

    return _by_ticker(kernel, column)


def std(column: pl.Expr, rows: int, ddof: int = 1) -> pl.Expr:
    """Standard deviation of the last `rows` rows, divided by rows - ddof (1 for a sample, 0 for the rows alone)."""
    return _by_ticker(lambda x, ends, out, _: spreads.window_std(x[0], ends, rows, ddof, out), column)


def zscore(column: pl.Expr, rows: int) -> pl.Expr:
    """Distance from the mean of the last `rows` rows in their (sample) standard deviations; null where they are 0."""
    return _by_ticker(lambda x, ends, out, _: spreads.window_zscore(x[0], ends, rows, 1, 0, out), column)


def range_zscore(high: pl.Expr, low: pl.Expr, close: pl.Expr, rows: int) -> pl.Expr:
    """True range / close: its distance from the mean of the `rows` rows before, in their sample standard deviations."""

    def kernel(x: list[Floats], ends: Ends, out: Floats, lend: Lend) -> Floats:
        ranges = neighbours.divide_by(neighbours.true_ranges(x[0], x[1], x[2], ends, lend()), x[2], 1.0)
        return spreads.window_zscore(ranges, ends, rows, 1, 1, out)

    return _by_ticker(kernel, high, low, close)


def curvature(log_change: pl.Expr, rows: int) -> pl.Expr:
    """Twice the quadratic coefficient of the least-squares parabola through the last `rows` logarithms.

    log_change: their changes from row to row; a parabola does not mind the level, so a price scale cancels.
    """
    weights = curvature_of_sums(rows)
    return _by_ticker(lambda x, ends, out, _: windows.window_weighted(x[0], ends, weights, out), log_change)


def curvature_in_spreads(log_change: pl.Expr, rows: int, spread_rows: int, smallest: float) -> pl.Expr:
    """The same in sample deviations of itself over the last `spread_rows` rows; one below `smallest` counts as that."""
    weights = curvature_of_sums(rows)

    def kernel(x: list[Floats], ends: Ends, out: Floats, lend: Lend) -> Floats:
        bend = windows.window_weighted(x[0], ends, weights, out)
        spread = spreads.window_std(bend, ends, spread_rows, 1, lend())
        return neighbours.divide_by(bend, np.maximum(spread, smallest, out=spread), 1.0)

    return _by_ticker(kernel, log_change)


def over_mean(column: pl.Expr, rows: int) -> pl.Expr:
    """The value divided by the mean of the last `rows` rows; null where that is 0."""
    return _over_mean(column, rows, less=0.0)


def above_mean(column: pl.Expr, rows: int) -> pl.Expr:
    """Distance from the mean of the last `rows` rows, as a fraction of it."""
    return _over_mean(column, rows, less=1.0)


def drawdown(column: pl.Expr, rows: int) -> pl.Expr:
    """Fall from the highest of the last `rows` rows, fraction, at most 0."""

    def kernel(x: list[Floats], ends: Ends, out: Floats, lend: Lend) -> Floats:
        return neighbours.divide_into(windows.window_max(x[0], ends, rows, 0, out), x[0], 1, 1.0)

    return _by_ticker(kernel, column)


def place_in_bands(column: pl.Expr, rows: int, deviations: float) -> pl.Expr:
    """Place between the bands at mean ± so many deviations (ddof 0): 0 at the lower, 1 at the upper."""

    def kernel(x: list[Floats], ends: Ends, out: Floats, lend: Lend) -> Floats:
        place = spreads.window_zscore(x[0], ends, rows, 0, 0, out)
        place *= 0.5 / deviations
        place += 0.5
        return place

    return _by_ticker(kernel, column)


def band_width(column: pl.Expr, rows: int, deviations: float) -> pl.Expr:
    """Width of the bands at mean ± so many deviations (ddof 0), relative to the mean."""
    return _by_ticker(lambda x, ends, out, _: spreads.band_width(x[0], ends, rows, deviations, out), column)


def lowest_before(column: pl.Expr, rows: int) -> pl.Expr:
    """Lowest of the `rows` rows before this one."""
    return _by_ticker(lambda x, ends, out, _: windows.window_min(x[0], ends, rows, 1, out), column)


def highest(column: pl.Expr, rows: int) -> pl.Expr:
    """Highest of the last `rows` rows, the current one among them."""
    return _by_ticker(lambda x, ends, out, _: windows.window_max(x[0], ends, rows, 0, out), column)


def lowest(column: pl.Expr, rows: int) -> pl.Expr:
    """Lowest of the last `rows` rows, the current one among them."""
    return _by_ticker(lambda x, ends, out, _: windows.window_min(x[0], ends, rows, 0, out), column)


def rows_since_highest(column: pl.Expr, rows: int) -> pl.Expr:
    """Rows since the highest of the last `rows` rows, the latest one where several are; 0 on it."""
    return _by_ticker(lambda x, ends, out, _: extremes.rows_since_extreme(x[0], ends, rows, 1.0, out), column)


def rows_since_lowest(column: pl.Expr, rows: int) -> pl.Expr:
    """Rows since the lowest of the last `rows` rows, the latest one where several are; 0 on it."""
    return _by_ticker(lambda x, ends, out, _: extremes.rows_since_extreme(x[0], ends, rows, -1.0, out), column)


def commodity_channel(column: pl.Expr, rows: int) -> pl.Expr:
    """Distance from the mean of the last `rows` rows in 0.015 mean absolute deviations; 0 where these are 0."""
    return _by_ticker(lambda x, ends, out, _: channel.commodity_channel(x[0], ends, rows, out), column)


def place_in_range(value: pl.Expr, low: pl.Expr, high: pl.Expr, rows: int) -> pl.Expr:
    """Where the value lies between the lowest low and the highest high of the last rows; null where they are one."""

    def kernel(x: list[Floats], ends: Ends, out: Floats, lend: Lend) -> Floats:
        bottom = windows.window_min(x[1], ends, rows, 0, lend())
        return neighbours.place_between(windows.window_max(x[2], ends, rows, 0, out), bottom, x[0])

    return _by_ticker(kernel, value, low, high)


def count(flag: pl.Expr, rows: int) -> pl.Expr:
    """How many of the last `rows` rows are true; null while one of them is not known."""
    return _of_flags(lambda x, ends: flags.true_count(x, ends, rows), flag)


def rows_since(flag: pl.Expr, cap: int) -> pl.Expr:
    """Rows since the flag was last true: 0 on such a row, at most `cap`; `cap` before the first. Never null."""
    return _of_flags(lambda x, ends: flags.rows_since_true(x, ends, cap), flag)


def ema(column: pl.Expr, span: int) -> pl.Expr:
    """Exponential mean with gain 2 / (span + 1), started as the plain mean of the first `span` rows."""
    gain = 2.0 / (span + 1)
    return _by_ticker(lambda x, ends, out, _: recursions.exponential_mean(x[0], ends, span, gain, out), column)


def wilder(column: pl.Expr, rows: int) -> pl.Expr:
    """Wilder's mean: exponential with gain 1 / rows, started as the plain mean of the first `rows` values."""
    return _by_ticker(lambda x, ends, out, _: recursions.exponential_mean(x[0], ends, rows, 1.0 / rows, out), column)


def rsi(close: pl.Expr, rows: int, at_rest: float = 50.0) -> pl.Expr:
    """Wilder's relative strength index, 0 to 100; `at_rest` where nothing has moved yet."""
    return _by_ticker(lambda x, ends, out, _: recursions.strength_index(x[0], ends, rows, at_rest, out), close)


def ema_spread(column: pl.Expr, fast: int, slow: int) -> pl.Expr:
    """Exponential mean of the fast span less that of the slow span."""

    return _by_ticker(lambda x, ends, out, _: recursions.spread_of_means(x[0], ends, fast, slow, out), column)


def settled_rows(rows: int, gain: float) -> int:
    """Rows a recursive mean reads until its start, a mean of `rows` rows, weighs less than 1e-9.

    >>> settled_rows(14, 1 / 14)
    294
    """
    return rows + int(np.ceil(np.log(START_WEIGHT) / np.log1p(-gain)))


def slope_of_sums(rows: int) -> Floats:
    """Weights that give, from the last rows - 1 increments of a series, its least-squares slope over `rows` rows.

    slope = Σ (i - mean i) · x(i) / Σ (i - mean i)², and an increment is part of every later x.

    >>> slope_of_sums(3)
    array([0.5, 0.5])
    """
    place = np.arange(rows) - (rows - 1) / 2
    return np.asarray(np.cumsum(place[::-1])[::-1][1:] / np.sum(place**2))


def curvature_of_sums(rows: int) -> Floats:
    """Weights that give, from the last rows - 1 increments of a series, the curvature of its least-squares parabola.

    >>> square = np.arange(7.0) ** 2
    >>> round(float(curvature_of_sums(7) @ np.diff(square)), 12)
    2.0
    """
    place = np.arange(rows) - (rows - 1) / 2
    quadratic = 2 * np.linalg.pinv(np.vander(place, 3))[0]
    return np.asarray(np.cumsum(quadratic[::-1])[::-1][1:])


def _over_mean(column: pl.Expr, rows: int, less: float) -> pl.Expr:
    def kernel(x: list[Floats], ends: Ends, out: Floats, lend: Lend) -> Floats:
        return neighbours.divide_into(windows.window_sum(x[0], ends, rows, out), x[0], rows, less)

    return _by_ticker(kernel, column)


def _by_ticker(kernel: Kernel, *columns: pl.Expr) -> pl.Expr:
    # Kernels know a missing value as NaN. Polars compares NaN as the largest number, so outside it must be null.
    floats = [column.cast(pl.Float64).fill_null(np.nan) for column in columns]

    def run(series: Sequence[pl.Series]) -> pl.Series:
        *values, ends = [column.to_numpy() for column in series]
        # Polars keeps this very memory, and adds to it where the nulls are.
        out = np.empty(ends.size)
        with lending(ends.size) as lend:
            return pl.Series(series[0].name, kernel(values, ends, out, lend), nan_to_null=True)

    return pl.map_batches([*floats, SEGMENT], run, return_dtype=pl.Float64)


def _of_flags(kernel: Callable[[Flags, Ends], Counts], flag: pl.Expr) -> pl.Expr:
    false, true, unknown = (pl.lit(byte, pl.UInt8) for byte in (0, 1, flags.UNKNOWN))
    # Choosing between constants takes a third of the time of casting to a byte and filling the nulls.
    byte = pl.when(flag).then(true).when(flag.is_null()).then(unknown).otherwise(false)

    def run(series: Sequence[pl.Series]) -> pl.Series:
        counts = pl.Series(series[0].name, kernel(series[0].to_numpy(), series[1].to_numpy()))
        return counts.zip_with(counts >= 0, pl.Series([None], dtype=pl.Int8))

    return pl.map_batches([byte, SEGMENT], run, return_dtype=pl.Int8).cast(pl.Int32)
