"""Trajectories as the dataset layers read them: one sound row, and frames of it with chosen differences."""

from datetime import UTC, datetime, timedelta

import polars as pl

__all__ = ["SCHEMA", "START", "trajectories"]

START = datetime(2024, 3, 1, tzinfo=UTC)

INSTANT = pl.Datetime("us", "UTC")

SCHEMA = pl.Schema(
    {
        "trajectory_id": pl.String(),
        "decided_at": INSTANT,
        "ticker": pl.String(),
        "market_regime": pl.String(),
        "session_band": pl.String(),
        "horizon_sec": pl.Int64(),
        "split": pl.String(),
        "volatility": pl.Float64(),
        "funding": pl.Float64(),
        "oi_change": pl.Float64(),
        "direction": pl.String(),
        "sl_bps": pl.Float64(),
        "leverage": pl.Float64(),
        "size_pct": pl.Float64(),
        "max_position_pct": pl.Float64(),
        "is_invalid_output": pl.Boolean(),
        "label_quality": pl.String(),
        "utility_score": pl.Float64(),
        "pnl_bps": pl.Float64(),
        "max_drawdown_bps": pl.Float64(),
        "prompt_hash": pl.String(),
        "response_hash": pl.String(),
    }
)


def trajectories(*changed: dict[str, object]) -> pl.DataFrame:
    """One sound trajectory for each set of changes, an hour apart in the order given; `hours` moves the decision."""
    rows = [
        {
            "trajectory_id": f"t{number:04d}",
            "decided_at": START + timedelta(hours=float(str(change.get("hours", number)))),
            "ticker": "BTCUSDT",
            "market_regime": "up",
            "session_band": "asia",
            "horizon_sec": 86_400,
            "split": "train",
            "volatility": 0.01,
            "funding": 0.0001,
            "oi_change": 0.02,
            "direction": "long",
            "sl_bps": 120.0,
            "leverage": 2.0,
            "size_pct": 5.0,
            "max_position_pct": 8.0,
            "is_invalid_output": False,
            "label_quality": "good",
            "utility_score": 50.0,
            "pnl_bps": 60.0,
            "max_drawdown_bps": 20.0,
            "prompt_hash": f"p{number:04d}",
            "response_hash": f"r{number:04d}",
            **{name: value for name, value in change.items() if name != "hours"},
        }
        for number, change in enumerate(changed)
    ]
    return pl.DataFrame(rows, schema=SCHEMA)
