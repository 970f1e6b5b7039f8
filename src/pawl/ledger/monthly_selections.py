"""Monthly selections on record: each is held once for its instant, and never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.ids import ModelVersion
from pawl.ledger.identity import identity
from pawl.ledger.monthly_tables import monthly_selections

__all__ = ["NewSelection", "Selection", "find_selection", "newest_selection", "record_selection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSelection:
    """What a selection found and did. month: YYYY-MM, the one that ended. scored_from: None where none was ranked.

    ranking: a row a version, as JSON values. champion: what served before. best: the first of the ranking. act: kept,
    rollout or promoted. retired: version → why, of the poor ones. removed: versions whose files were given up.
    """

    learner: str
    role: str
    month: str
    held_at: datetime
    scored_from: datetime | None
    ranking: Sequence[Mapping[str, Any]]
    champion: ModelVersion | None
    best: ModelVersion | None
    act: str
    reason: str
    eval_id: UUID | None
    retired: Mapping[str, str]
    removed: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection(NewSelection):
    """A selection on record."""

    selection_id: UUID


def record_selection(tx: sa.Connection, new: NewSelection) -> Selection:
    """Write a selection down; RefusalError by the database when one of its instant stands already."""
    selection_id = identity("monthly_selection", new.learner, new.role, new.held_at.isoformat())
    values = {name: getattr(new, name) for name in NewSelection.__dataclass_fields__}
    values |= {
        "ranking": [dict(row) for row in new.ranking],
        "retired": dict(new.retired),
        "removed": list(new.removed),
    }
    tx.execute(sa.insert(monthly_selections).values(selection_id=selection_id, **values))
    return Selection(selection_id=selection_id, **values)


def find_selection(tx: sa.Connection, learner: str, role: str, held_at: datetime) -> Selection | None:
    """The selection of an instant; None when there was none."""
    c = monthly_selections.c
    return _one(tx, sa.and_(c.learner == learner, c.role == role, c.held_at == held_at))


def newest_selection(tx: sa.Connection, learner: str, role: str, month: str) -> Selection | None:
    """The newest selection over a month (YYYY-MM); None when there was none."""
    c = monthly_selections.c
    return _one(tx, sa.and_(c.learner == learner, c.role == role, c.month == month))


def _one(tx: sa.Connection, condition: sa.ColumnElement[bool]) -> Selection | None:
    c = monthly_selections.c
    row = tx.execute(sa.select(monthly_selections).where(condition).order_by(c.held_at.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    return Selection(**{**row._mapping, "champion": _version(row.champion), "best": _version(row.best)})


def _version(name: str | None) -> ModelVersion | None:
    return None if name is None else ModelVersion(name)
