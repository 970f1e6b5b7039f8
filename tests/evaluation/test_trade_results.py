"""The mean result of a user's trades and its interval."""

from datetime import timedelta

import numpy as np
import pytest
from scipy import stats

from behaviour_rows import NOW, START, drawn_user, trades
from pawl.evaluation.trade_results import trade_results


def test_the_interval_is_that_of_the_standard_error(rng: np.random.Generator) -> None:
    rows = drawn_user(rng)
    found, pnl = trade_results(rows, START, NOW), rows["pnl_bps"].to_numpy()
    low, high = stats.norm.interval(0.95, pnl.mean(), stats.sem(pnl))
    assert (found.n, found.mean_bps) == (300, pytest.approx(pnl.mean()))
    assert (found.low_bps, found.high_bps) == (pytest.approx(low), pytest.approx(high))
    assert len(found.newest) == 100
    assert found.newest[0].at == rows["resolved_at"].max()


def test_only_trades_that_ended_in_the_window_count() -> None:
    rows = trades({}, {"side": None}, {"pnl_bps": None}, {"hours": 500})
    assert trade_results(rows, START, START + timedelta(days=10)).n == 1
    assert trade_results(rows, START, START + timedelta(days=10)).mean_bps is None  # one says nothing of the spread
    assert trade_results(rows, START, NOW).n == 2
    assert trade_results(trades(), START, NOW).n == 0
