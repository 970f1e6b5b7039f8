"""Alarms: what a cycle finds that a person should hear of, written down in the transaction of what it tells of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pawl.ledger.live_log import LiveEntry, log_live

__all__ = ["Alarm", "raise_alarms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """kind: data_anomaly, performance_drop, training_failed, pause, hold_share or feature_drift. key: tells it from
    others of its kind, so that one thing is told once. text: in words. values: the figures behind them.
    """

    kind: str
    key: str
    text: str
    values: Mapping[str, Any] = field(default_factory=dict)


def raise_alarms(tx: sa.Connection, learner: str, alarms: list[Alarm], at: datetime) -> None:
    """Write alarms down, each once."""
    log_live(
        tx,
        [
            LiveEntry(
                learner=learner,
                at=at,
                kind="cycle",
                name=f"alert {one.kind}",
                key=one.key,
                payload={"text": one.text, "values": dict(one.values)},
            )
            for one in alarms
        ],
    )
