"""What beside bars is known of a market: funding, open interest, flows on the chain; and when each becomes known."""

import polars as pl

from pawl.market.bars import UTC_TIME

__all__ = ["FUNDING_SCHEMA", "ONCHAIN_SCHEMA", "OPEN_INTEREST_SCHEMA"]

_KEY = {"ticker": pl.String(), "ts": UTC_TIME, "available_at": UTC_TIME}

FUNDING_SCHEMA = pl.Schema({**_KEY, "funding_rate_frac": pl.Float64()})
"""Funding settlements of a perpetual, every 8 hours at `ts`; a fraction of the notional, longs pay when positive."""

OPEN_INTEREST_SCHEMA = pl.Schema({**_KEY, "oi_usd": pl.Float64()})
"""Open interest at the end of the bar that opened at `ts`."""

ONCHAIN_SCHEMA = pl.Schema(
    {
        **_KEY,
        "exchange_inflow": pl.Float64(),
        "exchange_outflow": pl.Float64(),
        "active_addresses_count": pl.Float64(),
        "transfer_count": pl.Float64(),
    }
)
"""A day on the chain, `ts` its 00:00 UTC: flows in coins over the whole day, so known only on the next one."""
