"""What one user did, read from the trajectories as the patterns of behaviour want it."""

from datetime import datetime
from uuid import UUID

import polars as pl
import sqlalchemy as sa

from pawl.evaluation.behaviour_rows import BEHAVIOUR_SCHEMA
from pawl.ledger.decision_tables import decision_trajectories
from pawl.policy.action import Action

__all__ = ["read_behaviour"]

ACTION = pl.Struct(
    {
        "side": pl.String,
        "size": pl.Float64,
        "leverage": pl.Float64,
        "price": pl.Float64,
        "stop_price": pl.Float64,
        "time": pl.String,
        "followed": pl.Boolean,
        "overrode": pl.Boolean,
    }
)
PARTS = {
    "context": pl.Struct({"stretch": pl.Float64}),
    "decision": pl.Struct(
        {
            "decided_at": pl.String,
            "direction": pl.String,
            "confidence": pl.Float64,
            "is_recommended": pl.Boolean,
            "action": ACTION,
        }
    ),
    "outcome": pl.Struct(
        {
            "pnl_bps": pl.Float64,
            "hold_sec": pl.Float64,
            "exit_price": pl.Float64,
            "move_bps": pl.Float64,
            "resolved_at": pl.String,
        }
    ),
}
TEXT_SCHEMA = {"trajectory_id": pl.String, **dict.fromkeys(PARTS, pl.String)}


def read_behaviour(tx: sa.Connection, user_id: UUID, since: datetime, neutral_band_bps: float) -> pl.DataFrame:
    """BEHAVIOUR_SCHEMA: the trajectories of a user that were decided from `since` on, and of nobody else.

    neutral_band_bps: |move| below which a recommendation to stay flat was right, bps.
    """
    c = decision_trajectories.c
    # As text: ten thousand rows are read into columns at once, not one by one into dicts.
    parts = (sa.cast(column, sa.Text) for column in (c.context_features, c.decision_features, c.outcome_features))
    chosen = sa.select(c.trajectory_id, *parts).where(c.user_id == user_id, c.created_at >= since)
    rows = [(str(row[0]), *row[1:]) for row in tx.execute(chosen.order_by(c.created_at, c.trajectory_id))]
    texts = pl.DataFrame(rows, schema=TEXT_SCHEMA, orient="row")
    read = texts.select("trajectory_id", *(pl.col(name).str.json_decode(kind) for name, kind in PARTS.items()))
    return _flattened(read.unnest("context", "decision", "outcome"), neutral_band_bps)


def _flattened(read: pl.DataFrame, neutral_band_bps: float) -> pl.DataFrame:
    action = pl.col("action").struct
    flat = read.with_columns(
        *(_instant(pl.col(name)).alias(name) for name in ("decided_at", "resolved_at")),
        *(action.field(name) for name in ("side", "size", "leverage", "stop_price", "followed", "overrode")),
        entry_price=action.field("price"),
        opened_at=_instant(action.field("time")),
        recommendation_hit=_hit(neutral_band_bps),
    )
    return flat.select(pl.col(name).cast(kind) for name, kind in BEHAVIOUR_SCHEMA.items())


def _instant(text: pl.Expr) -> pl.Expr:
    return text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC")


def _hit(neutral_band_bps: float) -> pl.Expr:
    """`policy.utility.direction_hit` of what was recommended; the hit that stands in an outcome judges the user."""
    direction, move = pl.col("direction"), pl.col("move_bps")
    return (
        pl.when(~pl.col("is_recommended"))
        .then(None)
        .when(direction == Action.LONG.value)
        .then(move > 0)
        .when(direction == Action.SHORT.value)
        .then(move < 0)
        .when(direction == Action.FLAT.value)
        .then(move.abs() < neutral_band_bps)
    )
