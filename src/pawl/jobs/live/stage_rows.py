"""The signals that a stage of a rollout is judged on, as they stand in the ledger."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl
import sqlalchemy as sa

from pawl.ids import ModelVersion
from pawl.ledger.decision_tables import inference_logs
from pawl.ledger.signal_tables import trading_signals
from pawl.market.bars import UTC_TIME

__all__ = ["KEYS", "OUTCOME", "STAGE_SCHEMA", "outcome_rows", "stage_rows"]

KEYS = ("pair", "timeframe", "bar_timestamp", "model_version")
"""What tells a signal from every other."""

OUTCOME = {"actual_outcome": "virtual_outcome", "actual_pnl": "virtual_pnl", "resolved_at": "virtual_at"}
"""All that ever changes of one, and where it stands: what the bars say, so that the exits and fees of those who traded
one version's signals do not count for it or against it.
"""

STAGE_SCHEMA = pl.Schema(
    {
        "pair": pl.String(),
        "timeframe": pl.String(),
        "bar_timestamp": UTC_TIME,
        "model_version": pl.String(),
        "is_shadow": pl.Boolean(),
        "signal": pl.String(),
        "actual_outcome": pl.String(),
        "actual_pnl": pl.Float64(),
        "created_at": UTC_TIME,
        "resolved_at": UTC_TIME,
        "confidence": pl.Float64(),
        "position_size": pl.Float64(),
        "latency_ms": pl.Float64(),
    }
)
"""confidence: the probability of the inference's decision, where it has one, else the signal's. position_size,
latency_ms: of the inference, null without one."""


def stage_rows(
    tx: sa.Connection, learner: str, versions: Sequence[ModelVersion], since: datetime, until: datetime
) -> pl.DataFrame:
    """What the versions said after `since` and not after `until`, acting or in shadow: STAGE_SCHEMA, in order of time.

    A stage that was entered at an instant does not count what was decided at it, as `active_at` does not.
    """
    signal, answer = trading_signals.c, sa.type_coerce(inference_logs.c.response_payload, sa.JSON)
    columns: list[sa.ColumnElement[object]] = [
        *(signal[OUTCOME.get(name, name)].label(name) for name in list(STAGE_SCHEMA)[:10]),
        sa.func.coalesce(answer[("decision", "probability")].as_float(), signal.confidence).label("confidence"),
        answer[("decision", "position_size")].as_float().label("position_size"),
        inference_logs.c.latency_ms,
    ]
    joined = trading_signals.outerjoin(inference_logs, inference_logs.c.inference_id == signal.inference_id)
    chosen = (
        sa.select(*columns)
        .select_from(joined)
        .where(signal.learner == learner, signal.model_version.in_(versions))
        .where(signal.created_at > since, signal.created_at <= until)
        .order_by(signal.created_at, signal.pair, signal.timeframe, signal.model_version)
    )
    rows = tx.execute(chosen).all()
    return pl.DataFrame([tuple(row) for row in rows], schema=STAGE_SCHEMA, orient="row")


def outcome_rows(tx: sa.Connection, told_after: datetime) -> pl.DataFrame:
    """KEYS and OUTCOME of every signal, of whatever learner, whose outcome was told after an instant: few at any."""
    chosen = sa.select(*(trading_signals.c[OUTCOME.get(name, name)] for name in (*KEYS, *OUTCOME)))
    rows = tx.execute(chosen.where(trading_signals.c.virtual_at > told_after)).all()
    schema = {name: STAGE_SCHEMA[name] for name in (*KEYS, *OUTCOME)}
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")
