"""The demo's market: it is what its docstring says, and its dates meet the replay's."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from pawl.evaluation.costs import Costs
from pawl.gates.policy_gate import GateSettings
from pawl.jobs.demo_market import (
    DEMO_END,
    DEMO_MARKET,
    DEMO_MARKET_SEED,
    DEMO_RETRAIN_EVERY,
    DEMO_SEED,
    DEMO_START,
    DEMO_WINDOW,
    REGIME_CHANGE,
    WHIPSAW_END,
    WHIPSAW_START,
)
from pawl.jobs.replay_plan import ReplayOrder, steps
from pawl.jobs.replay_tickers import Joining
from pawl.lake.checking import check_silver
from pawl.lake.silver import SilverStore
from pawl.learners.m002 import M002
from pawl.market.limits import QualityLimits
from pawl.market.simulated import simulate

DAY = timedelta(days=1)
NOW = DEMO_END + timedelta(days=30)
ORDER = ReplayOrder(
    start=DEMO_START,
    end=DEMO_END,
    now=NOW,
    seed=DEMO_SEED,
    costs=Costs(),
    gate=GateSettings(),
    limits=QualityLimits(),
    retrain_every=DEMO_RETRAIN_EVERY,
    window=DEMO_WINDOW,
)


@pytest.fixture(scope="module")
def silver(tmp_path_factory: pytest.TempPathFactory) -> SilverStore:
    store = SilverStore(tmp_path_factory.mktemp("demo"))
    simulated = simulate(DEMO_MARKET, np.random.default_rng(DEMO_MARKET_SEED)).bars
    store.merge(simulated, DEMO_MARKET.timeframe, DEMO_MARKET.calendar, source="demo", now=NOW)
    return store


@pytest.fixture(scope="module")
def bars(silver: SilverStore) -> pl.DataFrame:
    return silver.scan(DEMO_MARKET.timeframe).collect()


def carry_on(bars: pl.DataFrame, start: datetime, end: datetime) -> float:
    """Correlation of a day's move with the mean of the five before it, over the days from start to end."""
    moves = bars.with_columns(move=pl.col("close").log().diff().over("ticker")).with_columns(
        before=pl.col("move").shift(1).rolling_mean(5).over("ticker")
    )
    days = moves.filter(pl.col("ts").is_between(start, end, closed="left"))
    return float(days.select(pl.corr("move", "before")).item())


def test_moves_carry_on_after_the_change_and_come_back_in_the_whipsaw(bars: pl.DataFrame) -> None:
    assert abs(carry_on(bars, DEMO_MARKET.start, REGIME_CHANGE)) < 0.05
    assert carry_on(bars, REGIME_CHANGE, WHIPSAW_START) > 0.1
    assert carry_on(bars, WHIPSAW_START, WHIPSAW_END) < -0.03
    assert carry_on(bars, WHIPSAW_END, DEMO_END) > 0.1


def test_every_ticker_is_clean_and_ready_when_the_replay_starts(silver: SilverStore, bars: pl.DataFrame) -> None:
    assert not check_silver(silver, DEMO_MARKET.timeframe, ORDER.limits).failing
    joined = Joining(silver, M002().spec, ORDER, bars).at(steps(ORDER)[0])
    assert joined == DEMO_MARKET.tickers
    assert (bars.group_by("ticker").agg(pl.col("available_at").max())["available_at"] >= DEMO_END).all()


def test_the_replay_has_eight_trainings_a_whole_quarter_apart() -> None:
    plan = steps(ORDER)
    assert [step.end - step.begin for step in plan] == [DEMO_RETRAIN_EVERY] * 8


def test_the_first_version_serves_a_quarter_in_the_market_it_knows() -> None:
    second = steps(ORDER)[1].begin
    assert timedelta(0) <= second - REGIME_CHANGE <= DAY


def test_the_whipsaw_is_the_block_of_one_training() -> None:
    judging = steps(ORDER)[5].begin
    assert abs(judging - DEMO_RETRAIN_EVERY - WHIPSAW_START) <= DAY
    assert abs(judging - WHIPSAW_END) <= DAY
