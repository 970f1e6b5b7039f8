"""The comparison: intervals of the model, of each baseline, and of the difference on the same days."""

from datetime import UTC, datetime

import numpy as np
import pytest

from pawl.evaluation.costs import Costs
from pawl.jobs.backtesting import BacktestOrder, ScoredVersion, backtest_version
from pawl.jobs.comparison import METRICS, Compared, compare
from small_workspace import Trained


@pytest.fixture(scope="module")
def scored(trained: Trained) -> ScoredVersion:
    order = BacktestOrder(start=datetime(2022, 10, 6, tzinfo=UTC), end=None, costs=Costs())
    return backtest_version(trained.workspace, trained.learner, "m002-1.0", order)


@pytest.fixture(scope="module")
def compared(scored: ScoredVersion) -> dict[str, Compared]:
    return compare(scored.model, scored.baselines, seed=1)


def test_every_metric_agrees_with_the_backtest_it_comes_from(
    scored: ScoredVersion, compared: dict[str, Compared]
) -> None:
    assert {*compared} == {*METRICS}
    for name in {*METRICS} - {"daily_net_return"}:
        assert compared[name].model.value == pytest.approx(scored.model.metrics[name], rel=1e-9), name
        for baseline, (value, _) in compared[name].baselines.items():
            expected = scored.baselines[baseline].metrics[name]
            assert value.value == pytest.approx(expected, rel=1e-9, nan_ok=True), (name, baseline)


def test_a_difference_is_model_minus_baseline_with_an_interval_around_it(compared: dict[str, Compared]) -> None:
    for name, each in compared.items():
        for value, difference in each.baselines.values():
            assert difference.value == pytest.approx(each.model.value - value.value, abs=1e-9, nan_ok=True), name
            if np.isfinite(difference.low):
                assert difference.low <= difference.high


def test_a_model_beside_itself_differs_by_nothing(scored: ScoredVersion) -> None:
    for name, each in compare(scored.model, {"itself": scored.model}, seed=1).items():
        _, difference = each.baselines["itself"]
        assert (difference.value, difference.low, difference.high) == pytest.approx((0, 0, 0), abs=1e-15), name


def test_the_same_seed_gives_the_same_intervals(scored: ScoredVersion, compared: dict[str, Compared]) -> None:
    assert repr(compare(scored.model, scored.baselines, seed=1)) == repr(compared)
    assert repr(compare(scored.model, scored.baselines, seed=2)) != repr(compared)
