"""The curves of a month, against sums written out."""

import numpy as np
import polars as pl
import pytest

from pawl.reports.monthly_series import STAKE, month_series
from synthetic_month import synthetic_days

DAYS = synthetic_days(np.random.default_rng(5))


def test_the_win_rate_is_that_of_the_last_seven_days() -> None:
    found = month_series(DAYS)["win_rate"].to_list()
    wins, losses = DAYS["n_wins"].to_list(), DAYS["n_losses"].to_list()
    for i, rate in enumerate(found):
        if not DAYS["is_lived"][i]:
            assert rate is None
            continue
        won, lost = sum(wins[max(0, i - 6) : i + 1]), sum(losses[max(0, i - 6) : i + 1])
        assert rate == pytest.approx(won / (won + lost))


def test_equity_compounds_and_its_fall_starts_at_one() -> None:
    found = month_series(DAYS)
    capital, peak = 1.0, 1.0
    for pnl, equity, drawdown in zip(DAYS["pnl_bps"], found["equity"], found["drawdown"], strict=True):
        if equity is None:
            assert (pnl, drawdown) == (0.0, None)
            continue
        capital *= 1 + STAKE * pnl / 1e4
        peak = max(peak, capital)
        assert equity == pytest.approx(capital)
        assert drawdown == pytest.approx(capital / peak - 1)


def test_a_day_without_signals_has_no_hold_share() -> None:
    found = month_series(DAYS)
    is_closed = DAYS["n_signals"] == 0
    assert found.filter(is_closed)["hold_share"].null_count() == int(is_closed.sum())
    assert month_series(DAYS.clear()).is_empty()
    idle = DAYS.with_columns(pl.lit(0).alias("n_wins"), pl.lit(0).alias("n_losses"))
    assert month_series(idle)["win_rate"].null_count() == idle.height


def test_a_day_that_was_not_lived_has_no_figure() -> None:
    """One that was, and on which nothing came of anything, has a result of 0 and a capital."""
    quiet = DAYS["day"][4]
    nothing = ("n_signals", "n_hold", "n_resolved", "n_wins", "n_losses", "pnl_bps")
    days = DAYS.with_columns(pl.when(pl.col("day") != quiet).then(pl.col(name)).otherwise(0) for name in nothing)
    found = month_series(days)
    is_lived = DAYS["is_lived"]
    assert 0 < is_lived.sum() < DAYS.height and is_lived[4]
    for name in ("win_rate", "hold_share", "pnl_bps", "equity", "drawdown"):
        assert found.filter(~is_lived)[name].null_count() == (~is_lived).sum()
    for name in ("pnl_bps", "equity", "drawdown"):
        assert found.filter(is_lived)[name].null_count() == 0
    assert found["pnl_bps"][4] == 0.0 and found["equity"][4] == found["equity"][1]
