"""The table of what triggers set off."""

import sqlalchemy as sa
from alembic import op

from pawl.errors import RefusalError
from pawl.ledger.column_types import CanonicalJson, UtcTime
from pawl.ledger.metadata import is_one_of
from pawl.ledger.migrations.append_only import refuse_columns, refuse_deletes

__all__ = ["downgrade", "upgrade"]

revision = "r0008"
down_revision = "r0007"

SAID = ("firing_id", "learner", "kind", "effect", "at", '"values"', "reason", "fired_by")
OPEN = "effect <> 'retrain' AND ended_at IS NULL"


def upgrade() -> None:
    """Make the table. What a firing says never changes, and none is taken away."""
    op.create_table(
        "trigger_firings",
        sa.Column("firing_id", sa.Uuid, primary_key=True),
        sa.Column("learner", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("effect", sa.Text, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("values", CanonicalJson, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("fired_by", sa.Text, nullable=False),
        sa.Column("renewed_at", UtcTime),
        sa.Column("ended_at", UtcTime),
        sa.Column("ended_by", sa.Text),
        sa.Column("end_reason", sa.Text),
        sa.Column("train_job_id", sa.Uuid, sa.ForeignKey("ml_train_jobs.train_job_id")),
        sa.Column("worth", CanonicalJson),
        sa.Column("worth_at", UtcTime),
        is_one_of("effect", ("retrain", "alert", "pause")),
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
            sqlite_where=sa.text(OPEN),
            postgresql_where=sa.text(OPEN),
        ),
    )
    tx = op.get_bind()
    refuse_columns(tx, "trigger_firings", SAID)
    refuse_deletes(tx, "trigger_firings")


def downgrade() -> None:
    """Drop the table. RefusalError while it holds a firing."""
    if op.get_bind().execute(sa.text("SELECT EXISTS (SELECT 1 FROM trigger_firings)")).scalar_one():
        raise RefusalError(
            "`trigger_firings` holds rows that the revision before has no table for",
            where="ledger",
            fix="keep this revision, or export the rows and empty the table first",
        )
    op.drop_table("trigger_firings")
