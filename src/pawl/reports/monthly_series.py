"""The curves of a month: win rate, hold share, result and equity, from its days."""

import polars as pl

from pawl.market.basis_points import BPS

__all__ = ["STAKE", "month_series"]

STAKE = 0.1
"""Share of the capital that every signal is drawn with; of the curve of capital, and of nothing that is judged."""

WEEK = 7


def month_series(days: pl.DataFrame) -> pl.DataFrame:
    """day, win_rate (of the last 7 days), hold_share (of the day), pnl_bps, equity, drawdown (fraction ≤ 0).

    days: as `by_day` gives them, with `is_lived`. All is null on a day that was not lived, and the shares also where
    nothing was decided. equity starts at 1 and puts a tenth of the capital into each signal.
    """
    is_lived = pl.col("is_lived")
    pnl = pl.when(is_lived).then(pl.col("pnl_bps"))
    decided = pl.col("n_wins") + pl.col("n_losses")
    wins, all_of_them = (one.rolling_sum(WEEK, min_samples=1) for one in (pl.col("n_wins"), decided))
    curve = (1 + STAKE * pnl / BPS).cum_prod()
    return days.select(
        "day",
        win_rate=pl.when(is_lived & (all_of_them > 0)).then(wins / all_of_them),
        hold_share=pl.when(is_lived & (pl.col("n_signals") > 0)).then(pl.col("n_hold") / pl.col("n_signals")),
        pnl_bps=pnl,
        equity=curve,
        drawdown=curve / pl.max_horizontal(curve.cum_max(), 1.0) - 1,
    )
