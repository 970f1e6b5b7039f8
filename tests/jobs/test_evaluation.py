"""Scoring: each figure against one computed by other means."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss

from pawl.evaluation.costs import Costs
from pawl.jobs.backtesting import load_models
from pawl.jobs.evaluation import Rulebook, Scored, Span, bars_per_year, score
from pawl.market.instants import latest
from small_workspace import Trained

SPAN = Span(datetime(2022, 10, 6, tzinfo=UTC), datetime(2023, 2, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def scored(trained: Trained) -> Scored:
    models = load_models(trained.workspace, trained.learner, trained.result.record)
    learner, model = models["m002"]
    bars = trained.workspace.silver.scan(learner.spec.timeframe).collect()
    return score(learner, model, bars, SPAN, Rulebook(costs=Costs()))


def test_confidence_is_judged_on_labels_known_inside_the_span_only(trained: Trained, scored: Scored) -> None:
    assert latest(scored.judged["t1"]) <= SPAN.end
    assert latest(scored.judged["ts"]) == datetime(2023, 1, 26, tzinfo=UTC)  # five later bars close by the end


def test_the_figures_of_confidence_are_those_of_scikit_learn(scored: Scored) -> None:
    probability, target = scored.judged["probability"].to_numpy(), scored.judged["target"].to_numpy()
    assert scored.metrics["brier"] == pytest.approx(brier_score_loss(target, probability), abs=1e-12)
    assert scored.metrics["average_precision"] == pytest.approx(average_precision_score(target, probability), abs=1e-12)
    assert scored.metrics["base_rate"] == pytest.approx(target.mean(), abs=1e-12)


def test_the_figures_of_trading_follow_from_the_equity_and_the_trades(scored: Scored) -> None:
    equity, trades = scored.backtest.equity, scored.backtest.trades
    growth = np.cumprod(1 + equity["net_return"].to_numpy())
    assert scored.metrics["net_return"] == pytest.approx(growth[-1] - 1, abs=1e-12)
    peak = np.maximum.accumulate(np.concatenate(([1.0], growth)))
    assert scored.metrics["max_drawdown"] == pytest.approx(
        np.max(1 - np.concatenate(([1.0], growth)) / peak), abs=1e-12
    )
    assert scored.metrics["hit_rate"] == pytest.approx((trades["pnl_bps"] > 0).mean(), abs=1e-12)
    daily = equity["net_return"].to_numpy()
    sharpe = daily.mean() / daily.std(ddof=1) * np.sqrt(365.25)
    assert scored.metrics["sharpe"] == pytest.approx(sharpe, rel=1e-9)


def test_no_trade_is_entered_before_the_bar_after_its_decision(scored: Scored) -> None:
    first = scored.decisions.filter(pl.col("action") != "flat").group_by("ticker").agg(pl.col("ts").min())
    entered = scored.backtest.trades.group_by("ticker").agg(pl.col("entry_ts").min())
    both = first.join(entered, on="ticker")
    assert both.height > 0
    assert (both["entry_ts"] > both["ts"]).all()


def test_the_shares_of_the_actions_sum_to_one(scored: Scored) -> None:
    assert sum(scored.metrics[f"{action}_share"] for action in ("long", "short", "flat")) == pytest.approx(1)


def test_equities_have_about_252_bars_a_year() -> None:
    year = pl.datetime_range(datetime(2021, 1, 1, tzinfo=UTC), datetime(2021, 12, 31, tzinfo=UTC), "1d", eager=True)
    weekdays = year.filter(year.dt.weekday() <= 5)
    assert bars_per_year(weekdays) == pytest.approx(261, abs=1)
    assert np.isnan(bars_per_year(weekdays.head(1)))
