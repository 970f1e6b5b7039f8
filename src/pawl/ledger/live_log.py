"""The log of the live loop: what was received, and the virtual instant at which everything took effect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pawl.ledger.column_types import utc_text
from pawl.ledger.conflict_insert import conflict_insert
from pawl.ledger.identity import identity
from pawl.ledger.live_tables import live_log

__all__ = ["BEGIN", "LiveEntry", "has_loop", "is_of_kind", "live_entries", "log_live", "n_effects", "n_trainings"]

BEGIN = "begin"
"""Name of the act with which a run of a loop begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEntry:
    """One entry. kind: received, cycle, training, evaluation or act. name: of the cycle, version ... key: tells entries
    of one name and instant apart. payload: what whoever plays the run again has to know.
    """

    learner: str
    at: datetime
    kind: str
    name: str
    payload: Mapping[str, Any]
    key: str = ""


def log_live(tx: sa.Connection, entries: Sequence[LiveEntry]) -> int:
    """Write entries down; one that stands already stays as it is. Gives how many were new."""
    if not entries:
        return 0
    rows = [
        {
            "entry_id": identity("live_log", one.learner, utc_text(one.at), one.kind, one.name, one.key),
            "learner": one.learner,
            "at": one.at,
            "kind": one.kind,
            "name": one.name,
            "key": one.key,
            "payload": dict(one.payload),
        }
        for one in entries
    ]
    wanted = conflict_insert(tx, live_log).values(rows).on_conflict_do_nothing().returning(live_log.c.entry_id)
    return len(tx.execute(wanted).all())


def live_entries(
    tx: sa.Connection, learner: str, kind: str | None = None, names: Sequence[str] | None = None
) -> list[LiveEntry]:
    """The entries of a learner, of a kind and of these names where they are given, by time, kind, name and key."""
    c = live_log.c
    chosen = sa.select(live_log).where(c.learner == learner).order_by(c.at, c.kind, c.name, c.key)
    if kind is not None:
        chosen = chosen.where(is_of_kind(kind))
    if names is not None:
        chosen = chosen.where(c.name.in_(names))
    return [
        LiveEntry(learner=row.learner, at=row.at, kind=row.kind, name=row.name, payload=row.payload, key=row.key)
        for row in tx.execute(chosen)
    ]


def is_of_kind(kind: str) -> sa.ColumnElement[bool]:
    """Whether an entry is of a kind, written out in the statement: the index of the trainings serves no parameter."""
    return live_log.c.kind == sa.literal(kind, literal_execute=True)


def has_loop(tx: sa.Connection, learner: str) -> bool:
    """Whether a live loop of a learner runs or ever ran on this ledger; what a person did without one is none."""
    c = live_log.c
    is_loop = (c.kind != "act") | (c.name == BEGIN)
    return bool(tx.execute(sa.select(sa.exists().where(c.learner == learner, is_loop))).scalar_one())


def n_effects(tx: sa.Connection, learner: str) -> int:
    """How many entries tell of trainings and acts so far: what comes later has a higher number."""
    c = live_log.c
    counted = sa.select(sa.func.count()).where(c.learner == learner, c.kind.in_(("training", "act")))
    return int(tx.execute(counted).scalar_one())


def n_trainings(tx: sa.Connection, learner: str) -> int:
    """How many entries tell of trainings so far; as many as before are the same ones."""
    counted = sa.select(sa.func.count()).where(live_log.c.learner == learner, is_of_kind("training"))
    return int(tx.execute(counted).scalar_one())
