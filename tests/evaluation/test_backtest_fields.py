"""The seven fields of a backtest, computed by hand from its trades and days."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from pawl.evaluation.backtest import Backtest, backtest
from pawl.evaluation.backtest_fields import backtest_fields
from pawl.evaluation.costs import Costs

QUARTER = timedelta(minutes=15)


def traded(seed: int = 1, n: int = 96 * 12, every: int = 40) -> Backtest:
    """Twelve days of quarter-hours from a Thursday, long for 20 bars, short for 20."""
    rng = np.random.default_rng(seed)
    close = np.exp(np.cumsum(rng.normal(0, 0.001, n)))
    ts = [datetime(2025, 3, 6, tzinfo=UTC) + QUARTER * k for k in range(n)]
    opened = np.concatenate([[1.0], close[:-1]])
    prices = {"open": opened, "high": np.maximum(opened, close), "low": np.minimum(opened, close), "close": close}
    bars = pl.DataFrame({"ticker": "EURUSD", "ts": ts, **prices})
    side = np.where(np.arange(n) % every < every // 2, 1.0, -1.0)
    action = pl.Series(np.where(side > 0, "long", "short"), dtype=pl.String)
    decisions = bars.select("ticker", "ts").with_columns(action=action, position_size=pl.Series(side))
    return backtest(bars, decisions, Costs(fee_bps=0.5, slippage_bps=0.5))


def test_rev_r23_the_fields_are_those_of_the_trades() -> None:
    done = traded()
    pnl = done.trades["pnl_bps"].to_numpy()
    found = backtest_fields(done)
    assert found.total_trades == len(pnl) > 50
    assert found.winning_trades == int((pnl > 0).sum())
    assert found.win_rate == pytest.approx((pnl > 0).sum() / (pnl != 0).sum())
    assert found.total_pnl == pytest.approx(pnl.sum())
    assert found.avg_pnl == pytest.approx(pnl.mean())


def test_rev_r23_sharpe_is_of_daily_returns_times_the_root_of_252_and_drawdown_of_peak_equity() -> None:
    done = traded()
    found = backtest_fields(done)
    by_day: dict[object, float] = {}
    for ts, _, _, ret, _, _ in done.equity.iter_rows():
        # 17:00 in New York is 22:00 UTC in winter and 21:00 from 2025-03-09 on.
        ends_at = 21 if ts >= datetime(2025, 3, 9, 7, tzinfo=UTC) else 22
        day = (ts + timedelta(hours=24 - ends_at)).date()
        by_day[day] = (1 + by_day.get(day, 0.0)) * (1 + ret) - 1
    daily = np.array(list(by_day.values()))
    assert found.sharpe_ratio == pytest.approx(daily.mean() / daily.std(ddof=1) * np.sqrt(252))
    equity = np.concatenate([[1.0], np.cumprod(1 + done.equity["net_return"].to_numpy())])
    assert found.max_drawdown == pytest.approx(max(1 - now / equity[: n + 1].max() for n, now in enumerate(equity)))


def test_a_trade_that_earns_exactly_nothing_is_neither_won_nor_lost() -> None:
    done = traded()
    trades = done.trades.head(3).with_columns(pnl_bps=pl.Series([4.0, 0.0, -2.0]))
    found = backtest_fields(Backtest(trades=trades, equity=done.equity, returns=done.returns))
    assert (found.total_trades, found.winning_trades, found.win_rate) == (3, 1, 0.5)
    even = Backtest(trades=trades.with_columns(pnl_bps=0.0), equity=done.equity, returns=done.returns)
    assert backtest_fields(even).win_rate is None


def test_rev_r25_nothing_traded_gives_null_and_no_zero() -> None:
    done = traded()
    flat = Backtest(trades=done.trades.clear(), equity=done.equity.with_columns(net_return=0.0), returns=done.returns)
    found = backtest_fields(flat)
    assert (found.total_trades, found.winning_trades) == (0, 0)
    assert [found.win_rate, found.total_pnl, found.avg_pnl, found.sharpe_ratio, found.max_drawdown] == [None] * 5
