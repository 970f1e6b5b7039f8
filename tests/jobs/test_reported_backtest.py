"""The backtest with its page, as a user runs it."""

from datetime import UTC, datetime

import pytest

from pawl.evaluation.costs import Costs
from pawl.jobs.backtesting import BacktestOrder
from pawl.jobs.reported_backtest import ReportedBacktest, Reporting, reported_backtest
from pawl.market.limits import QualityLimits
from small_workspace import NOW, Trained, nobody


@pytest.fixture(scope="module")
def done(trained: Trained) -> ReportedBacktest:
    order = BacktestOrder(start=datetime(2022, 10, 6, tzinfo=UTC), end=None, costs=Costs())
    reporting = Reporting(now=NOW, seed=1, limits=QualityLimits())
    return reported_backtest(trained.workspace, trained.learner, "m002-1.0", order, reporting, nobody)


def test_the_page_lies_in_the_workspace_and_names_version_and_span(trained: Trained, done: ReportedBacktest) -> None:
    assert done.path.parent == trained.workspace.home / "reports"
    assert done.path.name == "m002-1.0_2022-10-06_2023-03-12.html"
    page = done.path.read_text(encoding="utf-8")
    assert "m002-1.0" in page
    assert "lightgbm_no_regime" in page


def test_the_newest_page_of_the_workspace_is_report_html(trained: Trained, done: ReportedBacktest) -> None:
    workspace = trained.workspace
    assert done.newest == workspace.home / "report.html"
    assert done.newest.read_bytes() == done.path.read_bytes()
    order = BacktestOrder(start=datetime(2022, 11, 1, tzinfo=UTC), end=None, costs=Costs())
    reporting = Reporting(now=NOW, seed=1, limits=QualityLimits())
    later = reported_backtest(workspace, trained.learner, "m002-1.0", order, reporting, nobody)
    assert later.newest == done.newest
    assert later.newest.read_bytes() == later.path.read_bytes() != done.path.read_bytes()


def test_every_part_of_the_page_is_filled(done: ReportedBacktest) -> None:
    data = done.data
    assert {curve.name for curve in data.curves} == {
        "m002-1.0",
        "linear",
        "lightgbm_no_regime",
        "buy and hold, equal weights",
    }
    for part in (data.headline, data.certificate, data.calibration, data.actions, data.states, data.trades):
        assert part is not None
    assert len(data.metrics) == 9
    assert [row.ticker for row in data.quality] == ["AAA", "BBB"]
    assert len(data.importance) > 20


def test_buy_and_hold_is_the_mean_growth_of_the_tickers(done: ReportedBacktest) -> None:
    import numpy as np

    closes = done.scored.bars.filter(done.scored.span.holds()).pivot("ticker", index="ts", values="close").sort("ts")
    growth = closes.select("AAA", "BBB").to_numpy()
    daily = (growth[1:] / growth[:-1] - 1).mean(axis=1)
    hold = next(curve for curve in done.data.curves if curve.name.startswith("buy"))
    assert hold.frame["equity"][-1] == pytest.approx(np.prod(1 + daily), rel=1e-12)
    assert hold.frame["drawdown"].max() <= 0


def test_the_intervals_are_plain_json_values(done: ReportedBacktest) -> None:
    sharpe = done.intervals()["sharpe"]
    assert {*sharpe["model"]} == {"value", "low", "high"}
    assert {*sharpe["baselines"]} == {"linear", "lightgbm_no_regime"}
