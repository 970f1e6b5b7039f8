"""What the answers of a life took: measured where time goes on, and handed in where that life is played again."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from pawl.ids import ModelVersion
from pawl.ledger.decision_tables import inference_logs
from pawl.ledger.signal_tables import trading_signals

__all__ = ["LivedMs", "lived_ms"]

LivedMs = Mapping[tuple[ModelVersion, datetime], int]
"""(version, instant of the run) → ms. A version answers all bars of a run at once."""


def lived_ms(tx: sa.Connection, learner: str) -> LivedMs:
    """Of every answer of a learner's loop; the guard-rail of latency rests on them."""
    s, i = trading_signals.c, inference_logs.c
    chosen = sa.select(s.model_version, s.created_at, i.latency_ms).where(
        s.learner == learner, s.inference_id == i.inference_id
    )
    return {(ModelVersion(version), at): ms for version, at, ms in tx.execute(chosen)}
