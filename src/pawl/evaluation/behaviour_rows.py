"""What the patterns of a user's behaviour are read from.

>>> BEHAVIOUR_SCHEMA["opened_at"]
Datetime(time_unit='us', time_zone='UTC')
"""

import polars as pl

__all__ = ["BEHAVIOUR_SCHEMA", "INSTANT"]

INSTANT = pl.Datetime("us", "UTC")

BEHAVIOUR_SCHEMA = pl.Schema(
    {
        "trajectory_id": pl.String(),
        "decided_at": INSTANT,
        "direction": pl.String(),
        "confidence": pl.Float64(),
        "is_recommended": pl.Boolean(),
        "side": pl.String(),
        "size": pl.Float64(),
        "leverage": pl.Float64(),
        "entry_price": pl.Float64(),
        "stop_price": pl.Float64(),
        "opened_at": INSTANT,
        "followed": pl.Boolean(),
        "overrode": pl.Boolean(),
        "stretch": pl.Float64(),
        "pnl_bps": pl.Float64(),
        "hold_sec": pl.Float64(),
        "exit_price": pl.Float64(),
        "recommendation_hit": pl.Boolean(),
        "resolved_at": INSTANT,
    }
)
"""One row a trajectory of one user. side … opened_at: null where nothing was traded; pnl_bps … resolved_at: null while
it is open. stretch: return of the 24 hours before, in units of their volatility. pnl_bps: net, of entry notional.
recommendation_hit: whether the market went the way that was recommended, whatever the user did; null where nothing was.
"""
