"""Alarms: what a cycle finds that a person should hear of, written down in the transaction of what it tells of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any

import sqlalchemy as sa

from pawl.ledger.identity import identity
from pawl.ledger.live_log import LiveEntry, log_live
from pawl.ledger.loop_outbox import announce
from pawl.ledger.loop_payloads import MOST_TEXT, Alert, AlertKind

__all__ = ["Alarm", "raise_alarms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """key: tells it from others of its kind, so that one thing is written down once. text: in words. values: the
    figures behind them.

    told_as: the key under which it is announced, so that what goes wrong at every bar is told once a day; None for its
    own. is_watched: a trigger looks for the same thing and tells of it, so that it is written down and not announced.
    """

    kind: AlertKind
    key: str
    text: str
    values: Mapping[str, Any] = field(default_factory=dict)
    told_as: str | None = None
    is_watched: bool = False


def raise_alarms(tx: sa.Connection, learner: str, alarms: list[Alarm], at: datetime) -> None:
    """Write alarms down, each once, and announce those of which nothing else tells."""
    log_live(
        tx,
        [
            LiveEntry(
                learner=learner,
                at=at,
                kind="cycle",
                name=f"alert {one.kind}",
                key=one.key,
                payload={"text": one.text, "values": _finite(one.values)},
            )
            for one in alarms
        ],
    )
    for one in alarms:
        if not one.is_watched:
            about = identity("alarm", learner, one.kind, one.key if one.told_as is None else one.told_as)
            text = f"{learner}: {one.text}"[:MOST_TEXT]
            announce(tx, Alert(kind=one.kind, learner=learner, about=about, text=text, values=_finite(one.values)), at)


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """What JSON cannot say, as a price that is no number, is null."""
    return {name: None if isinstance(one, float) and not isfinite(one) else one for name, one in values.items()}
