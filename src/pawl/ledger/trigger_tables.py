"""The table of firings: what a trigger, a watch or a person set off, by which values, and what became of it."""

import sqlalchemy as sa

from pawl.ledger.column_types import CanonicalJson, UtcTime
from pawl.ledger.metadata import METADATA, is_one_of

__all__ = ["EFFECTS", "trigger_firings"]

EFFECTS = ("retrain", "alert", "pause")

trigger_firings = sa.Table(
    "trigger_firings",
    METADATA,
    sa.Column("firing_id", sa.Uuid, primary_key=True),
    sa.Column("learner", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("effect", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("values", CanonicalJson, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("fired_by", sa.Text, nullable=False),
    # What follows is written later, and is all that ever changes.
    sa.Column("renewed_at", UtcTime),
    sa.Column("ended_at", UtcTime),
    sa.Column("ended_by", sa.Text),
    sa.Column("end_reason", sa.Text),
    sa.Column("train_job_id", sa.Uuid, sa.ForeignKey("ml_train_jobs.train_job_id")),
    sa.Column("worth", CanonicalJson),
    sa.Column("worth_at", UtcTime),
    is_one_of("effect", EFFECTS),
    sa.CheckConstraint("reason <> '' AND fired_by <> ''", name="reason"),
    sa.CheckConstraint("effect <> 'retrain' OR (renewed_at IS NULL AND ended_at IS NULL)", name="lasts"),
    sa.CheckConstraint("effect = 'retrain' OR (train_job_id IS NULL AND worth IS NULL)", name="train_job_id"),
    sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended_by"),
    sa.CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="end_reason"),
    sa.CheckConstraint("at <= renewed_at AND at <= ended_at", name="times"),
    sa.CheckConstraint("(worth IS NULL) = (worth_at IS NULL)", name="worth_at"),
    sa.Index("ix_trigger_firings_learner_kind_at", "learner", "kind", "at"),
    sa.Index(
        "uq_trigger_firings_open",
        "learner",
        "kind",
        unique=True,
        sqlite_where=sa.text("effect <> 'retrain' AND ended_at IS NULL"),
        postgresql_where=sa.text("effect <> 'retrain' AND ended_at IS NULL"),
    ),
)
"""Append-only but for the later columns. A pause or an alert lasts from `at` to `ended_at`, NULL while it does, and of
one kind a learner has one at a time. renewed_at: when it was last found to last. values: what was measured, null where
it could not be, with the limits. train_job_id: the full training that answered the firing, NULL while it waits.
worth: whether that training beat doing nothing."""
