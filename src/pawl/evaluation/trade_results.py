"""What a user's closed trades brought on average, and how sure that average is."""

import math
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pawl.evaluation.behaviour import Occurrence

__all__ = ["TradeResults", "trade_results"]

NORMAL_95 = 1.959963984540054
MOST_TRADES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeResults:
    """mean_bps: net, of entry notional; low_bps, high_bps: its 95 % interval by the normal distribution; None for fewer
    than two trades. newest: the newest hundred, newest first.
    """

    n: int
    mean_bps: float | None = None
    low_bps: float | None = None
    high_bps: float | None = None
    newest: tuple[Occurrence, ...] = ()


def trade_results(rows: pl.DataFrame, since: datetime, now: datetime) -> TradeResults:
    """Of the trades that ended from `since` to `now`. rows: BEHAVIOUR_SCHEMA."""
    ended = rows.filter(
        pl.col("pnl_bps").is_not_null(), pl.col("side").is_not_null(), pl.col("resolved_at").is_between(since, now)
    ).sort("resolved_at", "trajectory_id", descending=True)
    newest = tuple(
        Occurrence(at=at, trajectory_ids=(name,))
        for at, name in ended.select("resolved_at", "trajectory_id").head(MOST_TRADES).iter_rows()
    )
    if ended.height < 2:
        return TradeResults(n=ended.height, newest=newest)
    results = ended.get_column("pnl_bps").to_numpy()
    mean, reach = float(results.mean()), NORMAL_95 * float(results.std(ddof=1)) / math.sqrt(ended.height)
    return TradeResults(n=ended.height, mean_bps=mean, low_bps=mean - reach, high_bps=mean + reach, newest=newest)
