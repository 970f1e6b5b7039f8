"""The table of monthly selections: who was compared with whom, how they ranked, and what followed."""

import sqlalchemy as sa

from pawl.ledger.column_types import CanonicalJson, UtcTime
from pawl.ledger.metadata import METADATA, MODEL_ROLES, is_one_of

__all__ = ["SELECTION_ACTS", "monthly_selections"]

SELECTION_ACTS = ("kept", "rollout", "promoted")

monthly_selections = sa.Table(
    "monthly_selections",
    METADATA,
    sa.Column("selection_id", sa.Uuid, primary_key=True),
    sa.Column("learner", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("held_at", UtcTime, nullable=False),
    sa.Column("scored_from", UtcTime),
    sa.Column("ranking", CanonicalJson, nullable=False),
    sa.Column("champion", sa.String(50), sa.ForeignKey("model_versions.version")),
    sa.Column("best", sa.String(50), sa.ForeignKey("model_versions.version")),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("eval_id", sa.Uuid, sa.ForeignKey("ml_eval_reports.eval_id")),
    sa.Column("retired", CanonicalJson, nullable=False),
    sa.Column("removed", CanonicalJson, nullable=False),
    sa.UniqueConstraint("learner", "role", "held_at"),
    is_one_of("role", MODEL_ROLES),
    is_one_of("act", SELECTION_ACTS),
    sa.CheckConstraint("act = 'kept' OR (best IS NOT NULL AND eval_id IS NOT NULL)", name="verdict"),
    sa.CheckConstraint("reason <> ''", name="reason"),
)
"""Append-only. month: YYYY-MM, the one that ended. scored_from: first bar that all ranked versions were compared on,
NULL where none could be. champion: what served. best: the first of the ranking. act: what became of it, `kept` when the
champion stays. eval_id: the verdict that was asked for it. retired, removed: versions that were retired as poor, and
those whose files were given up."""
