"""What triggers set off: firings with their values, pauses that last, and trainings that were asked for."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.ledger.column_types import UtcTime, utc_text
from pawl.ledger.conflict_insert import conflict_insert
from pawl.ledger.identity import identity
from pawl.ledger.trigger_tables import trigger_firings

__all__ = [
    "BY_HAND",
    "TRIGGERS",
    "NewFiring",
    "StoredFiring",
    "answer",
    "answered",
    "end_firing",
    "end_pause",
    "is_paused",
    "last_ended_by_hand",
    "last_fired",
    "list_firings",
    "open_firings",
    "record_firing",
    "record_worth",
    "renew",
    "waiting",
]

TRIGGERS = "triggers"
"""Who fired or ended what the loop itself found."""

BY_HAND = "by_hand"
"""The kind of what a person asked for."""

Value = float | int | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFiring:
    """What fired. values: what was measured, with the limits. by: who fired it. key: what tells it from others of its
    kind and instant, as the job that failed; empty where there are none.
    """

    learner: str
    kind: str
    effect: str
    at: datetime
    values: Mapping[str, Value] = field(default_factory=dict)
    reason: str
    by: str = TRIGGERS
    key: str = ""

    @property
    def firing_id(self) -> UUID:
        """The same whenever this is found again."""
        return identity("trigger_firing", self.learner, self.kind, utc_text(self.at), self.key)

    @property
    def stored_values(self) -> dict[str, Value]:
        """The values as they are kept: null for a figure that is not finite."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in self.values.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFiring:
    """A firing as it stands. renewed_at: when a pause or an alert was last found to last. ended_at: None while it does.
    train_job_id: of the full training that answered it. worth: whether that beat doing nothing, as JSON.
    """

    firing_id: UUID
    learner: str
    kind: str
    effect: str
    at: datetime
    values: Mapping[str, Value]
    reason: str
    fired_by: str
    renewed_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None
    train_job_id: UUID | None
    worth: Mapping[str, Any] | None
    worth_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it is a pause or an alert that lasts."""
        return self.effect != "retrain" and self.ended_at is None

    @property
    def lasted_until(self) -> datetime:
        """When it was last found to last."""
        return self.renewed_at or self.at


def record_firing(tx: sa.Connection, new: NewFiring) -> bool:
    """Write a firing down; False when it stands already."""
    row = {
        "firing_id": new.firing_id,
        "learner": new.learner,
        "kind": new.kind,
        "effect": new.effect,
        "at": new.at,
        "values": new.stored_values,
        "reason": new.reason,
        "fired_by": new.by,
    }
    wanted = conflict_insert(tx, trigger_firings).values(row).on_conflict_do_nothing(index_elements=["firing_id"])
    # The row that was written, not a count: PostgreSQL's driver gives none for an insert.
    return tx.execute(wanted.returning(trigger_firings.c.firing_id)).one_or_none() is not None


def last_fired(tx: sa.Connection, learner: str) -> dict[str, datetime]:
    """Kind → when it fired last; what cooldowns are counted from."""
    c = trigger_firings.c
    newest = sa.select(c.kind, sa.func.max(c.at, type_=UtcTime())).where(c.learner == learner).group_by(c.kind)
    return {kind: at for kind, at in tx.execute(newest)}


def last_ended_by_hand(tx: sa.Connection, learner: str) -> dict[str, datetime]:
    """Kind → when the newest pause or alert that a person ended was last found to last."""
    c = trigger_firings.c
    lasted = sa.func.max(sa.func.coalesce(c.renewed_at, c.at), type_=UtcTime())
    by_hand = (c.learner == learner) & c.ended_at.is_not(None) & (c.ended_by != TRIGGERS)
    return {kind: at for kind, at in tx.execute(sa.select(c.kind, lasted).where(by_hand).group_by(c.kind))}


def open_firings(tx: sa.Connection, learner: str) -> dict[str, StoredFiring]:
    """Kind → the pause or alert of it that lasts."""
    c = trigger_firings.c
    lasting = _chosen().where(c.learner == learner, c.effect != "retrain", c.ended_at.is_(None))
    return {one.kind: one for one in _stored(tx, lasting)}


def renew(tx: sa.Connection, firing_id: UUID, at: datetime) -> None:
    """Say that a pause or an alert was found to last."""
    c = trigger_firings.c
    later = sa.func.coalesce(c.renewed_at, c.at, type_=UtcTime()) < at
    tx.execute(sa.update(trigger_firings).where(c.firing_id == firing_id, later).values(renewed_at=at))


def end_firing(tx: sa.Connection, firing_id: UUID, at: datetime, by: str, reason: str) -> bool:
    """End a pause or an alert; False when it has ended."""
    c = trigger_firings.c
    ended = {"ended_at": at, "ended_by": by, "end_reason": reason}
    still = (c.firing_id == firing_id) & c.ended_at.is_(None)
    return tx.execute(sa.update(trigger_firings).where(still).values(ended)).rowcount == 1


def end_pause(tx: sa.Connection, learner: str, at: datetime, by: str, reason: str) -> list[StoredFiring]:
    """End every pause of a learner that lasts; those that did."""
    lasting = [one for one in open_firings(tx, learner).values() if one.effect == "pause"]
    # A person's clock and the loop's may differ; a pause never ends before it began.
    return [one for one in lasting if end_firing(tx, one.firing_id, max(at, one.lasted_until), by, reason)]


def is_paused(tx: sa.Connection, learner: str, at: datetime) -> bool:
    """Whether incremental trainings and deployments of a learner wait.

    What a person paused or resumed holds at once, although the loop may run on a clock of its own.
    """
    c = trigger_firings.c
    began = (c.at <= at) | (c.fired_by != TRIGGERS)
    lasts = c.ended_at.is_(None) | ((c.ended_by == TRIGGERS) & (c.ended_at > at))
    found = sa.select(sa.exists().where(c.learner == learner, c.effect == "pause", began, lasts))
    return bool(tx.execute(found).scalar_one())


def waiting(tx: sa.Connection, learner: str) -> list[StoredFiring]:
    """The firings that asked for a training and have none yet, oldest first: one training answers them all."""
    c = trigger_firings.c
    return _stored(tx, _chosen().where(c.learner == learner, c.effect == "retrain", c.train_job_id.is_(None)))


def answer(tx: sa.Connection, firing_ids: Iterable[UUID], train_job_id: UUID) -> None:
    """Say which training firings led to; one that was answered before keeps its own."""
    c = trigger_firings.c
    asked = c.firing_id.in_(list(firing_ids)) & c.train_job_id.is_(None)
    tx.execute(sa.update(trigger_firings).where(asked).values(train_job_id=train_job_id))


def answered(tx: sa.Connection, learner: str, since: datetime) -> list[StoredFiring]:
    """The firings after an instant that a training answered, oldest first."""
    c = trigger_firings.c
    return _stored(tx, _chosen().where(c.learner == learner, c.at > since, c.train_job_id.is_not(None)))


def record_worth(tx: sa.Connection, firing_id: UUID, worth: Mapping[str, Any], at: datetime) -> bool:
    """Write down what a training that was asked for was worth so far; False when nothing is new."""
    c = trigger_firings.c
    stands = tx.execute(sa.select(c.worth).where(c.firing_id == firing_id)).scalar_one_or_none()
    if stands == dict(worth):
        return False
    changed = sa.update(trigger_firings).where(c.firing_id == firing_id).values(worth=dict(worth), worth_at=at)
    return tx.execute(changed).rowcount == 1


def list_firings(tx: sa.Connection, learner: str | None = None, limit: int | None = None) -> list[StoredFiring]:
    """Firings of one learner or of all, newest first, at most `limit`."""
    c = trigger_firings.c
    newest_first = sa.select(trigger_firings).order_by(c.at.desc(), c.learner, c.kind, c.firing_id).limit(limit)
    return _stored(tx, newest_first if learner is None else newest_first.where(c.learner == learner))


def _chosen() -> sa.Select[Any]:
    c = trigger_firings.c
    return sa.select(trigger_firings).order_by(c.at, c.kind, c.firing_id)


def _stored(tx: sa.Connection, chosen: sa.Select[Any]) -> list[StoredFiring]:
    return [StoredFiring(**row) for row in tx.execute(chosen).mappings()]
