"""What signals came to: by version, and by day."""

from collections.abc import Collection
from datetime import datetime, timedelta

import polars as pl

from pawl.market.basis_points import BPS

__all__ = ["SIGNAL_COLUMNS", "by_day", "by_version", "win_rate", "with_lived"]

SIGNAL_COLUMNS = ("model_version", "signal", "is_shadow", "actual_outcome", "actual_pnl", "created_at", "resolved_at")
"""What is read of a signal. actual_pnl: net of costs, fraction of what was put in; null while it is open."""


def win_rate(wins: int, losses: int) -> float | None:
    """wins / (wins + losses); None where there is neither.

    >>> win_rate(3, 1), win_rate(0, 0)
    (0.75, None)
    """
    return wins / (wins + losses) if wins + losses else None


def by_version(signals: pl.DataFrame) -> pl.DataFrame:
    """One row a version, by name: n_signals, n_hold, n_shadow, n_resolved, n_wins, n_losses, win_rate, avg_pnl_bps.

    signals: SIGNAL_COLUMNS. A signal that expired or broke even is neither a win nor a loss, but its result counts.
    win_rate and avg_pnl_bps are null where nothing was resolved.
    """
    decided = pl.col("n_wins") + pl.col("n_losses")
    return (
        signals.group_by("model_version")
        .agg(
            n_signals=pl.len(),
            n_hold=(pl.col("signal") == "hold").sum(),
            n_shadow=pl.col("is_shadow").sum(),
            **_outcomes(),
            avg_pnl_bps=pl.col("actual_pnl").mean() * BPS,
        )
        .with_columns(win_rate=pl.when(decided > 0).then(pl.col("n_wins") / decided))
        .sort("model_version")
    )


def by_day(given: pl.DataFrame, resolved: pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    """One row a day, UTC, all of them: day, n_signals, n_hold, n_resolved, n_wins, n_losses, pnl_bps.

    given, resolved: SIGNAL_COLUMNS, of signals that were given, and that were resolved, after `start` and not after
    `end`; what happens at midnight closes the day before. pnl_bps: sum of the results of the day.
    """
    last = (end - timedelta(microseconds=1)).date()
    days = pl.date_range(start.date(), last, "1d", eager=True).alias("day").to_frame()
    said = given.group_by(_day("created_at")).agg(n_signals=pl.len(), n_hold=(pl.col("signal") == "hold").sum())
    came = resolved.group_by(_day("resolved_at")).agg(**_outcomes(), pnl_bps=pl.col("actual_pnl").sum() * BPS)
    joined = days.join(said, on="day", how="left").join(came, on="day", how="left").sort("day")
    counts = ("n_signals", "n_hold", "n_resolved", "n_wins", "n_losses")
    return joined.select(
        "day", *(pl.col(name).fill_null(0).cast(pl.Int64) for name in counts), pl.col("pnl_bps").fill_null(0.0)
    )


def with_lived(days: pl.DataFrame, instants: Collection[datetime]) -> pl.DataFrame:
    """Days as `by_day` gives them, with `is_lived`: whether the loop did anything on it, or a signal was given or
    resolved. instants: UTC, at which the loop did something; midnight closes the day before.
    """
    seen = pl.Series([(at - timedelta(microseconds=1)).date() for at in instants], dtype=pl.Date).unique()
    has_signals = (pl.col("n_signals") > 0) | (pl.col("n_resolved") > 0)
    return days.with_columns(is_lived=pl.col("day").is_in(seen.implode()) | has_signals)


def _outcomes() -> dict[str, pl.Expr]:
    return {
        "n_resolved": pl.col("actual_outcome").count(),
        "n_wins": (pl.col("actual_outcome") == "win").sum(),
        "n_losses": (pl.col("actual_outcome") == "loss").sum(),
    }


def _day(column: str) -> pl.Expr:
    return (pl.col(column) - pl.duration(microseconds=1)).dt.date().alias("day")
