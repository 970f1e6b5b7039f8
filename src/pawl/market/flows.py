"""Funding, open interest and on-chain flows of the simulated market, grown from its bars.

Each takes the bars of one ticker: `ticker`, `ts`, `close`, `available_at`, and the simulation's own `sigma` (a bar's
usual log move) and `pressure` (coins on their way to exchanges, which weighs on the next bar).
"""

from datetime import timedelta

import numpy as np
import polars as pl

from pawl.market.derivatives import FUNDING_SCHEMA, ONCHAIN_SCHEMA, OPEN_INTEREST_SCHEMA
from pawl.market.price_path import fading

__all__ = ["simulate_funding", "simulate_onchain", "simulate_open_interest"]

USUAL_FUNDING = 0.0001  # a fraction per 8 hours: what exchanges ask when nothing happens
FUNDING_CAP = 0.003
PUBLISHED_AFTER = timedelta(hours=6)  # on-chain figures come hours after the day has ended


def simulate_funding(bars: pl.DataFrame, stream: np.random.Generator) -> pl.DataFrame:
    """Settlements at 00:00, 08:00 and 16:00 UTC: FUNDING_SCHEMA. Longs pay more after prices have risen."""
    settlements = bars.select(
        pl.datetime_range(pl.col("ts").min().dt.truncate("8h"), pl.col("available_at").max(), "8h", closed="left")
    ).to_series()
    momentum = bars.select(
        "available_at", momentum=(pl.col("close").log().diff() / pl.col("sigma")).ewm_mean(span=10).fill_null(0.0)
    )
    known = settlements.alias("ts").to_frame().join_asof(momentum, left_on="ts", right_on="available_at")
    calm = known["momentum"].fill_null(0.0).to_numpy()
    rates = USUAL_FUNDING + 0.0004 * np.tanh(calm) + 0.00004 * stream.standard_normal(len(known))
    return pl.DataFrame(
        {
            "ticker": [bars["ticker"][0]] * len(known),
            "ts": known["ts"],
            # The 08:00 rate is published after 08:00, so it is not known at 08:00.
            "available_at": known["ts"] + timedelta(minutes=1),
            "funding_rate_frac": np.clip(rates, -FUNDING_CAP, FUNDING_CAP),
        }
    ).cast(FUNDING_SCHEMA)


def simulate_open_interest(bars: pl.DataFrame, stream: np.random.Generator) -> pl.DataFrame:
    """Open interest at each bar's close: OPEN_INTEREST_SCHEMA. It follows the trend and is torn down by falls."""
    usual = 10 ** stream.uniform(7.0, 9.5) / bars["close"][0]
    moves = bars.select((pl.col("close").log().diff() / pl.col("sigma")).fill_null(0.0)).to_series().to_numpy()
    liquidated = np.minimum(0.0, moves + 2.0)
    steps = 0.01 * moves + 0.05 * liquidated + 0.015 * stream.standard_normal(len(moves))
    log_coins = fading(steps, 0.99)
    return bars.select(
        "ticker", "ts", "available_at", oi_usd=pl.Series(usual * np.exp(log_coins)) * pl.col("close")
    ).cast(OPEN_INTEREST_SCHEMA)


def simulate_onchain(bars: pl.DataFrame, stream: np.random.Generator) -> pl.DataFrame:
    """A row a whole day: ONCHAIN_SCHEMA. Inflow rises with the pressure that weighs on the following bars."""
    days = bars.group_by_dynamic("ts", every="1d").agg(
        pl.col("pressure").last(),
        stir=(pl.col("close").log().diff() / pl.col("sigma")).abs().mean().fill_null(1.0),
    )
    n = len(days)
    coins, addresses = 10 ** stream.uniform([3.0, 4.0], [5.0, 6.0])
    noise = stream.standard_normal((n, 4))
    pressure, stir = days["pressure"].to_numpy(), np.minimum(days["stir"].to_numpy(), 4.0)
    return pl.DataFrame(
        {
            "ticker": [bars["ticker"][0]] * n,
            "ts": days["ts"],
            "available_at": days["ts"] + timedelta(days=1) + PUBLISHED_AFTER,
            "exchange_inflow": coins * np.exp(0.25 * pressure + 0.15 * stir + 0.15 * noise[:, 0]),
            "exchange_outflow": coins * np.exp(-0.1 * pressure + 0.15 * stir + 0.15 * noise[:, 1]),
            "active_addresses_count": np.round(addresses * np.exp(0.05 * stir + 0.05 * noise[:, 2])),
            "transfer_count": np.round(2.5 * addresses * np.exp(0.08 * stir + 0.06 * noise[:, 3])),
        }
    ).cast(ONCHAIN_SCHEMA)
