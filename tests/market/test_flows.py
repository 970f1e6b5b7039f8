"""Funding, open interest and on-chain flows of the simulated market."""

from datetime import UTC, datetime

import numpy as np
import polars as pl

from pawl.market.bars import Timeframe
from pawl.market.simulated import MarketSpec, simulate

START = datetime(2020, 1, 1, tzinfo=UTC)
SPEC = MarketSpec(tickers=("A",), start=START, n_bars=1500)


def test_funding_settles_every_eight_hours_within_its_caps(rng: np.random.Generator) -> None:
    funding = simulate(SPEC, rng).funding
    assert funding.height == 3 * 1500
    assert set(funding["ts"].diff().drop_nulls().dt.total_hours()) == {8}
    assert funding["funding_rate_frac"].abs().max() <= 0.003  # type: ignore[operator]


def test_funding_reads_no_bar_that_had_not_closed(rng: np.random.Generator) -> None:
    market = simulate(SPEC, rng)
    known = market.bars.select(available_at=pl.col("ts") + pl.duration(days=1), r=pl.col("close").log().diff())
    joined = (
        market.funding.sort("ts").join_asof(known, left_on="ts", right_on="available_at", suffix="_bar").drop_nulls()
    )
    ahead = joined.with_columns(next_r=pl.col("r").shift(-3)).drop_nulls()
    past, future = ahead.select(
        pl.corr("funding_rate_frac", "r"), pl.corr("funding_rate_frac", "next_r").alias("next")
    ).row(0)
    assert past > 0.2
    assert abs(future) < past / 2


def test_on_chain_inflow_comes_before_falls() -> None:
    strong = MarketSpec(tickers=("A", "B", "C"), start=START, n_bars=3000, edge=1.0)
    market = simulate(strong, np.random.default_rng(3))
    moves = market.bars.select("ticker", "ts", ahead=pl.col("close").log().diff().shift(-1).over("ticker"))
    joined = market.onchain.join(moves, on=["ticker", "ts"]).drop_nulls()
    assert joined.select(pl.corr(pl.col("exchange_inflow").log().rank(), pl.col("ahead").rank())).item() < -0.05


def test_open_interest_is_torn_down_by_crashes(rng: np.random.Generator) -> None:
    market = simulate(SPEC, rng)
    coins = market.open_interest.join(market.bars, on=["ticker", "ts"]).select(
        change=(pl.col("oi_usd") / pl.col("close")).log().diff(), r=pl.col("close").log().diff()
    )
    assert coins.filter(pl.col("r") < -0.15)["change"].mean() < coins["change"].mean()  # type: ignore[operator]


def test_hourly_bars_give_one_on_chain_row_a_day(rng: np.random.Generator) -> None:
    hourly = MarketSpec(tickers=("A",), start=START, n_bars=240, timeframe=Timeframe.parse("1h"))
    market = simulate(hourly, rng)
    assert market.onchain.height == 10
    assert market.funding.height == 30
