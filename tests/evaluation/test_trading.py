"""Trading metrics against empyrical and quantstats, by hand, and where there is nothing to measure."""

import json
from math import isnan, sqrt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.evaluation.backtest import Backtest
from pawl.evaluation.trading import (
    hit_rate,
    max_drawdown,
    net_return,
    profit_factor,
    sharpe_ratio,
    sortino_ratio,
    trading_metrics,
)

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "empyrical_metrics.json").read_text(encoding="utf-8"))
NOTHING = np.empty(0)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
def test_figures_are_those_of_empyrical_and_quantstats(case: dict[str, dict[str, float]]) -> None:
    returns, theirs, a_year = np.array(case["returns"]), case["metrics"], GOLDEN["bars_per_year"]
    assert net_return(returns) == pytest.approx(theirs["net_return"], rel=1e-12)
    assert max_drawdown(returns) == pytest.approx(theirs["max_drawdown"], rel=1e-12)
    assert sharpe_ratio(returns, a_year) == pytest.approx(theirs["sharpe"], rel=1e-12)
    assert sortino_ratio(returns, a_year) == pytest.approx(theirs["sortino"], rel=1e-12)
    assert profit_factor(returns) == pytest.approx(theirs["profit_factor"], rel=1e-12)
    assert hit_rate(returns[returns != 0]) == pytest.approx(theirs["hit_rate"], rel=1e-12)


def test_the_figures_of_a_backtest_by_hand() -> None:
    done = Backtest(
        trades=pl.DataFrame({"pnl_bps": [100.0, -50.0, 30.0]}),
        equity=pl.DataFrame(
            {"net_return": [0.1, -0.1, 0.0, 0.02], "exposure": [1.0, 0.5, 0, 0.5], "turnover": [1.0, 0.5, 0.5, 0]}
        ),
        returns=pl.DataFrame(),
    )
    found = trading_metrics(done, bars_per_year=4).as_dict()
    deviation = sqrt(((0.1 - 0.005) ** 2 + (0.1 + 0.005) ** 2 + 0.005**2 + 0.015**2) / 3)
    assert found == pytest.approx(
        {
            "n_trades": 3,
            "net_return": 1.1 * 0.9 * 1.02 - 1,
            "net_bps_per_trade": 80 / 3,
            "hit_rate": 2 / 3,
            "profit_factor": 2.6,
            "max_drawdown": 0.1,
            "sharpe": 0.005 / deviation * 2,
            "sortino": 0.005 / sqrt(0.01 / 4) * 2,
            "turnover": 2.0,
            "exposure": 0.5,
        }
    )


def test_a_backtest_without_a_trade_has_no_figures_to_boast_of() -> None:
    flat = {"net_return": [0.0] * 5, "exposure": [0.0] * 5, "turnover": [0.0] * 5}
    none = Backtest(
        trades=pl.DataFrame({"pnl_bps": []}, schema={"pnl_bps": pl.Float64}),
        equity=pl.DataFrame(flat),
        returns=pl.DataFrame(),
    )
    found = trading_metrics(none, 365)
    assert (found.n_trades, found.net_return, found.max_drawdown, found.turnover) == (0, 0.0, 0.0, 0.0)
    missing = (found.net_bps_per_trade, found.hit_rate, found.profit_factor, found.sharpe, found.sortino)
    assert all(isnan(figure) for figure in missing)


@pytest.mark.parametrize("constant", [0.0, 0.1, -0.003, 1 / 3])
@pytest.mark.parametrize("n", [2, 3, 10, 1000])
def test_returns_that_do_not_vary_have_no_sharpe(constant: float, n: int) -> None:
    assert isnan(sharpe_ratio(np.full(n, constant), 365))


def test_nothing_gives_nan() -> None:
    assert isnan(net_return(NOTHING))
    assert isnan(max_drawdown(NOTHING))
    assert isnan(sharpe_ratio(NOTHING, 365))
    assert isnan(sharpe_ratio(np.array([0.1]), 365))
    assert isnan(sortino_ratio(NOTHING, 365))
    assert isnan(hit_rate(NOTHING))
    assert isnan(profit_factor(NOTHING))


def test_a_nan_is_never_passed_over() -> None:
    holed = np.array([0.1, np.nan, -0.1])
    for figure in (net_return, max_drawdown, hit_rate, profit_factor):
        assert isnan(figure(holed))
    assert isnan(sharpe_ratio(holed, 365))
    assert isnan(sortino_ratio(holed, 365))


def test_without_a_loss_neither_profit_factor_nor_sortino_exists() -> None:
    assert isnan(profit_factor(np.array([1.0, 2.0])))
    assert isnan(sortino_ratio(np.array([0.01, 0.02]), 365))


@given(st.lists(st.floats(-0.9, 2), min_size=1, max_size=50))
def test_drawdown_is_a_share_and_zero_only_without_a_loss(returns: list[float]) -> None:
    fall = max_drawdown(np.array(returns))
    assert 0 <= fall < 1
    if min(returns) < -1e-9:
        assert fall > 0
    if min(returns) >= 0:
        assert fall == 0
