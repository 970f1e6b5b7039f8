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
        won, lost = sum(wins[max(0, i - 6) : i + 1]), sum(losses[max(0, i - 6) : i + 1])
        assert rate == pytest.approx(won / (won + lost))


def test_equity_compounds_and_its_fall_starts_at_one() -> None:
    found = month_series(DAYS)
    capital, peak = 1.0, 1.0
    for pnl, equity, drawdown in zip(DAYS["pnl_bps"], found["equity"], found["drawdown"], strict=True):
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
