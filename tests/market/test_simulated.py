"""The simulated market: everything from a seed, like a market, and with something in it that can be learnt."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from effort import lines_run
from pawl.errors import InputError
from pawl.market.bars import BAR_SCHEMA, Timeframe
from pawl.market.calendars import FX, Calendar, misfit
from pawl.market.derivatives import FUNDING_SCHEMA, ONCHAIN_SCHEMA, OPEN_INTEREST_SCHEMA
from pawl.market.regimes import REGIMES
from pawl.market.row_rules import sort_out
from pawl.market.simulated import Change, MarketSpec, SimulatedMarket, simulate

START = datetime(2020, 1, 1, tzinfo=UTC)
SPEC = MarketSpec(tickers=tuple("ABCDEF"), start=START, n_bars=1460)


def market(spec: MarketSpec = SPEC, seed: int = 7) -> SimulatedMarket:
    return simulate(spec, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def simulated() -> SimulatedMarket:
    return market()


def test_one_seed_gives_one_market_and_another_gives_another(simulated: SimulatedMarket) -> None:
    again = market()
    for name in ("bars", "funding", "open_interest", "onchain", "regimes"):
        assert_frame_equal(getattr(again, name), getattr(simulated, name))
    assert not market(seed=8).bars.equals(simulated.bars)


def test_longer_runs_and_other_tickers_do_not_change_a_series(simulated: SimulatedMarket) -> None:
    shorter = market(replace(SPEC, n_bars=700, tickers=("C", "Z")))
    for name in ("bars", "funding", "open_interest", "onchain"):
        long, short = (getattr(each, name).filter(pl.col("ticker") == "C") for each in (simulated, shorter))
        assert_frame_equal(long.head(short.height), short)


def test_every_bar_keeps_the_rules(simulated: SimulatedMarket) -> None:
    assert simulated.bars.schema == BAR_SCHEMA
    assert simulated.bars.height == 6 * 1460
    sorted_out = sort_out(simulated.bars)
    assert sorted_out.bad.is_empty()
    assert_frame_equal(sorted_out.good, simulated.bars)


def test_returns_have_fat_tails_and_clustered_size_and_fall_together(simulated: SimulatedMarket) -> None:
    returns = simulated.bars.select(
        "ticker", "ts", "volume", r=pl.col("close").log().diff().over("ticker")
    ).drop_nulls()
    by_ticker = returns.group_by("ticker").agg(
        kurtosis=pl.col("r").kurtosis(),
        clustering=pl.corr(pl.col("r").abs(), pl.col("r").abs().shift(1)),
        volume=pl.corr(pl.col("r").abs(), pl.col("volume").log()),
    )
    assert by_ticker["kurtosis"].min() > 2  # type: ignore[operator]
    assert by_ticker["clustering"].mean() > 0.08  # type: ignore[operator]
    assert by_ticker["volume"].min() > 0.3  # type: ignore[operator]
    wide = returns.pivot("ticker", index="ts", values="r").drop("ts").to_numpy()
    correlation = np.corrcoef(wide.T)[np.triu_indices(6, 1)]
    assert 0.4 < correlation.min() and correlation.max() < 0.9


def test_all_regimes_come_up(simulated: SimulatedMarket) -> None:
    assert set(simulated.regimes["regime"]) == {regime.name for regime in REGIMES}


def rebound(spec: MarketSpec, since: datetime = START) -> tuple[float, int]:
    """Mean 5-bar log move, in sigmas, after volume regains its mean below the 20-bar high; over eight markets."""
    moves: list[float] = []
    for seed in range(8):
        ratio = pl.col("volume") / pl.col("volume").rolling_mean(20)
        bars = market(spec, seed).bars.with_columns(
            ratio=ratio.over("ticker"),
            fall=(pl.col("close") / pl.col("close").rolling_max(20)).over("ticker"),
            sigma=pl.col("close").log().diff().rolling_std(60).over("ticker"),
            ahead=(pl.col("close").log().shift(-5) - pl.col("close").log()).over("ticker"),
        )
        before = pl.col("ratio").shift(1)
        regain = (pl.col("ratio") >= 1) & (before < 1) & (before.rolling_min(5) < 0.8)
        events = bars.with_columns(regain=regain.over("ticker")).filter(
            "regain", pl.col("fall") < 0.85, pl.col("ts") >= since, pl.col("sigma").is_not_null()
        )
        moves += events.select(pl.col("ahead") / pl.col("sigma")).drop_nulls().to_series().to_list()
    return float(np.mean(moves)), len(moves)


def test_the_learnable_part_follows_edge_and_its_changes() -> None:
    with_edge, n = rebound(SPEC)
    without, _ = rebound(replace(SPEC, edge=0.0))
    flipped, _ = rebound(replace(SPEC, changes=(Change(at=START, strength=-1.0),)))
    assert n > 500
    assert with_edge > without + 0.4 > flipped + 0.8


def test_a_change_leaves_the_bars_before_it_as_they_were(simulated: SimulatedMarket) -> None:
    turn = datetime(2022, 1, 1, tzinfo=UTC)
    changed = market(replace(SPEC, changes=(Change(at=turn, strength=-1.0),))).bars
    before = pl.col("ts") < turn
    assert_frame_equal(changed.filter(before), simulated.bars.filter(before))
    assert not changed.filter(~before).equals(simulated.bars.filter(~before))


def test_a_stretch_of_noise_ends_where_it_is_told_to() -> None:
    noise = (Change(at=START, strength=0.0), Change(at=datetime(2022, 1, 1, tzinfo=UTC), strength=1.0))
    later, _ = rebound(replace(SPEC, changes=noise), since=datetime(2022, 1, 1, tzinfo=UTC))
    never, _ = rebound(replace(SPEC, edge=0.0), since=datetime(2022, 1, 1, tzinfo=UTC))
    assert later > never + 0.3


def carry_on(spec: MarketSpec) -> float:
    """Correlation of a day's move with the mean of the five before it."""
    moves = market(spec).bars.with_columns(move=pl.col("close").log().diff().over("ticker"))
    before = moves.with_columns(before=pl.col("move").shift(1).rolling_mean(5).over("ticker"))
    return float(before.select(pl.corr("move", "before")).item())


def test_a_trend_handed_in_holds_in_every_regime_and_turns_with_the_strength() -> None:
    back = replace(SPEC, edge=1.0, trend=-3.0)
    on = replace(back, changes=(Change(at=START, strength=-1.0),))
    assert carry_on(back) < carry_on(replace(SPEC, edge=0.0)) - 0.05 < carry_on(on) - 0.15


def test_a_trend_handed_in_moves_nothing_where_nothing_can_be_learnt() -> None:
    noise = replace(SPEC, edge=0.0)
    assert_frame_equal(market(replace(noise, trend=-3.0)).bars, market(noise).bars)


def test_the_learnable_part_does_not_lift_prices_for_ever() -> None:
    spec = MarketSpec(tickers=("EURUSD",), start=START, n_bars=25_000, timeframe=Timeframe.parse("15m"), calendar=FX)
    for seed in range(4):
        closes = market(spec, seed).bars["close"]
        assert 0.5 < closes[-1] / closes[0] < 2.0


def test_fx_rests_at_weekends_and_has_no_funding() -> None:
    spec = MarketSpec(tickers=("EURUSD",), start=START, n_bars=5000, timeframe=Timeframe.parse("15m"), calendar=FX)
    euro = market(spec)
    assert euro.bars.height == 5000
    assert misfit(euro.bars["ts"], FX, spec.timeframe) == 0
    assert euro.funding.is_empty() and euro.open_interest.is_empty() and euro.onchain.is_empty()
    assert euro.funding.schema == FUNDING_SCHEMA


def test_equities_trade_in_the_sessions_of_their_exchange() -> None:
    spec = MarketSpec(tickers=("ACME",), start=START, n_bars=500, calendar=Calendar("XNYS"))
    assert misfit(market(spec).bars["ts"], Calendar("XNYS"), spec.timeframe) == 0


def test_what_stands_beside_bars_is_known_only_later(simulated: SimulatedMarket) -> None:
    assert simulated.funding.schema == FUNDING_SCHEMA
    assert simulated.open_interest.schema == OPEN_INTEREST_SCHEMA
    assert simulated.onchain.schema == ONCHAIN_SCHEMA
    for frame in (simulated.funding, simulated.open_interest, simulated.onchain):
        assert frame.null_count().sum_horizontal().item() == 0
        assert (frame["available_at"] > frame["ts"]).all()
    chain_lag = (simulated.onchain["available_at"] - simulated.onchain["ts"]).dt.total_hours()
    assert chain_lag.min() == 30, "a day's flows are published on the next day"


def test_more_bars_are_hardly_more_python(simulated: SimulatedMarket) -> None:
    """The walk over the bars is compiled, and all else is done to whole columns."""
    twice = replace(SPEC, n_bars=2 * SPEC.n_bars)
    market(twice)  # compiled by now
    assert lines_run(lambda: market(twice)) < 1.25 * lines_run(market)


@pytest.mark.parametrize("spec", [replace(SPEC, tickers=()), replace(SPEC, n_bars=0)])
def test_a_market_of_nothing_is_refused(spec: MarketSpec) -> None:
    with pytest.raises(InputError):
        market(spec)
