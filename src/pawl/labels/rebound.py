"""What the next bars brought: return, drawdown, and whether the price rebounded."""

import polars as pl

from pawl.labels.interval import interval

__all__ = ["LARGEST_DRAWDOWN_PCT", "REBOUND_HORIZON_BARS", "SMALLEST_REBOUND_PCT", "rebound_labels"]

REBOUND_HORIZON_BARS = 5
SMALLEST_REBOUND_PCT = 1.0
LARGEST_DRAWDOWN_PCT = -3.0

# 0.97 / 1.00 - 1 is -3.0000000000000027 %: without rounding, no fall of 3 % as people write it would meet the limit.
_DECIMALS_PCT = 9


def rebound_labels(bars: pl.DataFrame, horizon_bars: int = REBOUND_HORIZON_BARS) -> pl.DataFrame:
    """The bars with `fut_ret_pct`, `fut_dd_pct`, `label_rebound_bin`, `t0` and `t1`.

    bars: ordered by (ticker, ts), with close, low and available_at. Only the bars t+1 ... t+horizon are read, so the
    last `horizon_bars` rows of a ticker are null. Both figures are percent of close[t], rounded to 1e-9; the drawdown,
    the lowest low ahead, is at most 0. The label is 1 when the return is at least 1 % and the drawdown at least -3 %.

    >>> from datetime import UTC, datetime
    >>> bars = pl.DataFrame({"ticker": ["A"] * 3, "close": [100.0, 99.0, 101.0], "low": [99.0, 98.0, 100.0],
    ...                      "available_at": [datetime(2024, 1, day, tzinfo=UTC) for day in (2, 3, 4)]})
    >>> rebound_labels(bars, 2).select("fut_ret_pct", "fut_dd_pct", "label_rebound_bin").row(0)
    (1.0, -2.0, 1)
    """
    close, low = pl.col("close"), pl.col("low")
    ahead = [low.shift(-rows) for rows in range(1, horizon_bars + 1)]
    # Horizontal minima skip nulls: without every bar of the horizon the label is not known.
    is_known = pl.all_horizontal(bar.is_not_null() for bar in ahead)
    future_return = (close.shift(-horizon_bars) / close - 1) * 100
    drawdown = pl.min_horizontal((pl.min_horizontal(ahead) / close - 1) * 100, pl.lit(0.0))
    labels = bars.with_columns(
        future_return.round(_DECIMALS_PCT).over("ticker").alias("fut_ret_pct"),
        pl.when(is_known).then(drawdown.round(_DECIMALS_PCT)).over("ticker").alias("fut_dd_pct"),
        *interval(horizon_bars),
    )
    future_return, drawdown = pl.col("fut_ret_pct"), pl.col("fut_dd_pct")
    is_rebound = (future_return >= SMALLEST_REBOUND_PCT) & (drawdown >= LARGEST_DRAWDOWN_PCT)
    # "false and unknown" is false; a label with an unknown half is unknown.
    is_known = future_return.is_not_null() & drawdown.is_not_null()
    return labels.with_columns(pl.when(is_known).then(is_rebound.cast(pl.Int8)).alias("label_rebound_bin"))
