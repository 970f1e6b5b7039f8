"""Finished trajectories of users, read from the ledger as one frame: their JSON is decoded by columns, not by rows."""

from collections.abc import Collection

import polars as pl
import sqlalchemy as sa

from pawl.ledger.decision_tables import decision_trajectories
from pawl.ledger.identity import SYSTEM_USER
from pawl.market.bars import UTC_TIME

__all__ = ["FINISHED_SCHEMA", "finished_rows"]

ROWS_AT_ONCE = 20_000

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S%.fZ"

_NUMBER, _TEXT = pl.Float64(), pl.String()
_CONTEXT = pl.Struct(
    {
        "volatility": _NUMBER,
        "funding": _NUMBER,
        "oi_change": _NUMBER,
        "stretch": _NUMBER,
        "market_regime": _TEXT,
        "session_band": _TEXT,
        "known_at": _TEXT,
    }
)
_ACTION = pl.Struct(
    {"side": _TEXT, "size_pct": _NUMBER, "leverage": _NUMBER, "sl_bps": _NUMBER, "followed": pl.Boolean()}
)
_DECISION = pl.Struct(
    {
        "ticker": _TEXT,
        "decided_at": _TEXT,
        "horizon_sec": pl.Int64(),
        "confidence": _NUMBER,
        "tp_bps": pl.List(_NUMBER),
        "max_position_pct": _NUMBER,
        "action": _ACTION,
    }
)
_OUTCOME = pl.Struct(
    {
        "pnl_bps": _NUMBER,
        "max_drawdown_bps": _NUMBER,
        "move_bps": _NUMBER,
        "hold_sec": pl.Int64(),
        "resolved_at": _TEXT,
    }
)

FINISHED_SCHEMA = pl.Schema(
    {
        "trajectory_id": _TEXT,
        "user_id": _TEXT,
        "trace_id": _TEXT,
        "ticker": _TEXT,
        "decided_at": UTC_TIME,
        "known_at": UTC_TIME,
        "outcome_at": UTC_TIME,
        "horizon_sec": pl.Int64(),
        "volatility": _NUMBER,
        "funding": _NUMBER,
        "oi_change": _NUMBER,
        "stretch": _NUMBER,
        "market_regime": _TEXT,
        "session_band": _TEXT,
        "confidence": _NUMBER,
        "tp_bps": pl.List(_NUMBER),
        "max_position_pct": _NUMBER,
        "direction": _TEXT,
        "size_pct": _NUMBER,
        "leverage": _NUMBER,
        "sl_bps": _NUMBER,
        "followed": pl.Boolean(),
        "pnl_bps": _NUMBER,
        "max_drawdown_bps": _NUMBER,
        "move_bps": _NUMBER,
        "hold_sec": pl.Int64(),
    }
)
"""direction, size_pct, leverage, sl_bps: of the action, which the outcome came of. confidence, tp_bps,
max_position_pct: of the recommendation. outcome_at: when the outcome was recorded. Ids: 32 hexadecimal digits."""


def finished_rows(tx: sa.Connection, without_traces: Collection[str] = ()) -> pl.DataFrame:
    """Every trajectory of a user that has its outcome: FINISHED_SCHEMA, by time of decision and id.

    Nothing that the settings of some day made of it is read: neither utility nor label, nor which rules were broken.
    What Pawl decided by itself is left out; without_traces: what else is.
    """
    c = decision_trajectories.c
    columns = (
        *(sa.func.replace(sa.cast(c[name], sa.Text), "-", "") for name in ("trajectory_id", "user_id")),
        c.trace_id,
        *(sa.cast(c[name], sa.Text) for name in ("context_features", "decision_features", "outcome_features")),
    )
    found = sa.select(*columns).where(c.outcome_features.is_not(None), c.user_id != SYSTEM_USER)
    result = tx.execute(found, execution_options={"stream_results": True, "yield_per": ROWS_AT_ONCE})
    chunks = [_decoded(list(zip(*rows, strict=True))) for rows in result.partitions()]
    frame = pl.concat([FINISHED_SCHEMA.to_frame(), *chunks], rechunk=True)
    if without_traces:
        frame = frame.filter(~pl.col("trace_id").is_in(list(without_traces)))
    return frame.sort("decided_at", "trajectory_id")


def _decoded(columns: list[tuple[str, ...]]) -> pl.DataFrame:
    names = ("trajectory_id", "user_id", "trace_id", "context", "decision", "outcome")
    texts = pl.DataFrame([pl.Series(name, column, _TEXT) for name, column in zip(names, columns, strict=True)])
    parts = {"context": _CONTEXT, "decision": _DECISION, "outcome": _OUTCOME}
    frame = (
        texts.with_columns(pl.col(name).str.json_decode(dtype) for name, dtype in parts.items())
        .unnest(*parts)
        .unnest("action")
        .rename({"side": "direction", "resolved_at": "outcome_at"})
    )
    instants = [name for name, dtype in FINISHED_SCHEMA.items() if dtype == UTC_TIME]
    numbers = [name for name, dtype in FINISHED_SCHEMA.items() if dtype == _NUMBER]
    return frame.with_columns(
        *(
            pl.col(name).str.to_datetime(TIME_FORMAT, time_unit="us", time_zone="UTC", strict=False)
            for name in instants
        ),
        # jsonb keeps no -0.0, and both databases are to give one hash. (Polars leaves `x + 0.0` out.)
        *(pl.when(pl.col(name) == 0).then(0.0).otherwise(name).alias(name) for name in numbers),
    ).select(FINISHED_SCHEMA.names())
