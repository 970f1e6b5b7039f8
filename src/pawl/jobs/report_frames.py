"""Frames that the pages of a backtest and of a replay share."""

import polars as pl

from pawl.evaluation.backtest import Backtest

__all__ = ["equity_frame", "monthly_actions"]


def equity_frame(done: Backtest) -> pl.DataFrame:
    """ts, equity, drawdown (fraction ≤ 0: the pages draw falls below zero, the backtest measures magnitudes)."""
    return done.equity.select("ts", "equity", drawdown=-pl.col("drawdown"))


def monthly_actions(decisions: pl.DataFrame) -> pl.DataFrame:
    """month (its first day), n_long, n_short, n_flat; sorted.

    >>> from datetime import UTC, datetime
    >>> days = [datetime(2024, 1, 30, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)]
    >>> monthly_actions(pl.DataFrame({"ts": days, "action": ["long", "flat"]})).select(pl.exclude("month")).rows()
    [(1, 0, 0), (0, 0, 1)]
    """
    counts = [(pl.col("action") == action).sum().alias(f"n_{action}") for action in ("long", "short", "flat")]
    month = pl.col("ts").dt.date().dt.truncate("1mo").alias("month")
    return decisions.group_by(month).agg(counts).sort("month")
