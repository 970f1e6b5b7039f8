"""The newest figures that a loop has measured of itself: left by whoever measures, read by whoever watches."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pawl.ledger.conflict_insert import conflict_insert
from pawl.ledger.measured_tables import measured_figures

__all__ = ["keep_figures", "kept_figures"]


def keep_figures(tx: sa.Connection, learner: str, figures: Mapping[str, Any], at: datetime) -> None:
    """Leave the figures of a look in place of those of an earlier one; those of a later one stay."""
    c = measured_figures.c
    row = {"at": at, "figures": dict(figures)}
    new = conflict_insert(tx, measured_figures).values(learner=learner, **row)
    tx.execute(new.on_conflict_do_update(index_elements=["learner"], set_=row, where=c.at <= new.excluded.at))


def kept_figures(tx: sa.Connection, learner: str, until: datetime) -> Mapping[str, Any] | None:
    """What the newest look left; None where nobody has looked by then."""
    c = measured_figures.c
    chosen = sa.select(c.figures).where(c.learner == learner, c.at <= until)
    found: Mapping[str, Any] | None = tx.execute(chosen).scalar_one_or_none()
    return found
