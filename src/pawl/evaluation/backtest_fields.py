"""A backtest in the seven fields that the training log of `reversal` keeps; nothing traded gives null, never a zero."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from pawl.evaluation.backtest import Backtest
from pawl.evaluation.trading import max_drawdown, sharpe_ratio
from pawl.market.calendars import fx_day

__all__ = ["DAYS_PER_YEAR", "BacktestFields", "backtest_fields"]

DAYS_PER_YEAR = 252


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestFields:
    """After costs. Everything but the counts is None where nothing was traded.

    win_rate: wins / (wins + losses); a trade that earned exactly nothing is neither. total_pnl, avg_pnl: of the trades,
    bps of the notional put in. sharpe_ratio: mean / standard deviation of the daily returns × √252, None where these do
    not vary. max_drawdown: fraction of the highest equity, ≥ 0.
    """

    total_trades: int
    winning_trades: int
    win_rate: float | None
    total_pnl: float | None
    avg_pnl: float | None
    sharpe_ratio: float | None
    max_drawdown: float | None


def backtest_fields(done: Backtest) -> BacktestFields:
    """The fields of a backtest. Its days end at 17:00 in New York, so that a Sunday's evening is part of Monday.

    >>> from datetime import UTC, datetime
    >>> from pawl.evaluation.backtest import backtest
    >>> from pawl.evaluation.costs import Costs
    >>> days = [datetime(2024, 1, day, tzinfo=UTC) for day in (2, 3, 4)]
    >>> prices = {"open": [1.0, 1.0, 2.0], "high": [1.0, 2.0, 2.0], "low": [1.0] * 3, "close": [1.0, 2.0, 2.0]}
    >>> bars = pl.DataFrame({"ticker": "A", "ts": days, **prices})
    >>> flat = pl.DataFrame({"ticker": "A", "ts": days, "action": "flat", "position_size": 0.0})
    >>> backtest_fields(backtest(bars, flat, Costs()))
    BacktestFields(total_trades=0, winning_trades=0, win_rate=None, total_pnl=None, avg_pnl=None, sharpe_ratio=None, \
max_drawdown=None)
    """
    pnl = done.trades.get_column("pnl_bps").to_numpy()
    wins, losses = int((pnl > 0).sum()), int((pnl < 0).sum())
    if not pnl.size:
        return BacktestFields(
            total_trades=0,
            winning_trades=0,
            win_rate=None,
            total_pnl=None,
            avg_pnl=None,
            sharpe_ratio=None,
            max_drawdown=None,
        )
    by_day = done.equity.group_by(fx_day(pl.col("ts")).alias("day"), maintain_order=True)
    daily = by_day.agg(((1 + pl.col("net_return")).product() - 1).alias("earned")).get_column("earned").to_numpy()
    return BacktestFields(
        total_trades=int(pnl.size),
        winning_trades=wins,
        win_rate=wins / (wins + losses) if wins + losses else None,
        total_pnl=float(pnl.sum()),
        avg_pnl=float(pnl.mean()),
        sharpe_ratio=_finite(sharpe_ratio(daily, DAYS_PER_YEAR)),
        max_drawdown=_finite(max_drawdown(done.equity.get_column("net_return").to_numpy())),
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
