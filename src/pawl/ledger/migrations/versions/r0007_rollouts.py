"""Rollouts, and every step they took."""

import sqlalchemy as sa
from alembic import op

from pawl.errors import RefusalError
from pawl.ledger.column_types import CanonicalJson, UtcTime
from pawl.ledger.metadata import is_one_of
from pawl.ledger.migrations.append_only import allow_changes, refuse_changes, refuse_deletes

__all__ = ["downgrade", "upgrade"]

revision = "r0007"
down_revision = "r0006"

STATES = ("running", "promoted", "refused", "rolled_back", "superseded", "aborted")


def upgrade() -> None:
    """Make the tables. A step is never changed, and no rollout taken away."""
    _rollouts()
    _moves()
    tx = op.get_bind()
    refuse_changes(tx, ("rollout_moves",))
    refuse_deletes(tx, "rollouts")


def downgrade() -> None:
    """Drop them. RefusalError while there was a rollout."""
    tx = op.get_bind()
    if tx.execute(sa.text("SELECT EXISTS (SELECT 1 FROM rollouts)")).scalar_one():
        raise RefusalError(
            "`rollouts` holds rows that the revision before has no table for",
            where="ledger",
            fix="keep this revision, or export the rows and empty the table first",
        )
    allow_changes(tx, ("rollout_moves", "rollouts"))
    op.drop_table("rollout_moves")
    op.drop_table("rollouts")


def _rollouts() -> None:
    op.create_table(
        "rollouts",
        sa.Column("rollout_id", sa.Uuid, primary_key=True),
        sa.Column("learner", sa.Text, nullable=False),
        sa.Column("rollout_number", sa.Integer, nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("candidate", sa.String(50), sa.ForeignKey("model_versions.version"), nullable=False),
        sa.Column("champion", sa.String(50), sa.ForeignKey("model_versions.version"), nullable=False),
        sa.Column("stage", sa.Integer, nullable=False),
        sa.Column("share", sa.Double, nullable=False),
        sa.Column("entered_at", UtcTime, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("ab_test_id", sa.Uuid, sa.ForeignKey("model_ab_test.id")),
        sa.Column("started_at", UtcTime, nullable=False),
        sa.Column("updated_at", UtcTime, nullable=False),
        sa.UniqueConstraint("learner", "rollout_number"),
        is_one_of("status", STATES),
        sa.CheckConstraint("candidate <> champion", name="versions"),
        sa.CheckConstraint("stage >= 0", name="stage"),
        sa.CheckConstraint("share BETWEEN 0 AND 1", name="share"),
        sa.CheckConstraint("status IN ('running', 'promoted') OR share = 0", name="out_of_trading"),
        sa.CheckConstraint("reason <> ''", name="reason"),
        sa.CheckConstraint("started_at <= entered_at AND entered_at <= updated_at", name="times"),
        sa.Index(
            "uq_rollouts_running",
            "learner",
            unique=True,
            sqlite_where=sa.text("status = 'running'"),
            postgresql_where=sa.text("status = 'running'"),
        ),
        sa.Index("ix_rollouts_candidate", "candidate"),
    )


def _moves() -> None:
    op.create_table(
        "rollout_moves",
        sa.Column("move_id", sa.Uuid, primary_key=True),
        sa.Column("rollout_id", sa.Uuid, sa.ForeignKey("rollouts.rollout_id"), nullable=False),
        sa.Column("move_number", sa.Integer, nullable=False),
        sa.Column("learner", sa.Text, nullable=False),
        sa.Column("moved_at", UtcTime, nullable=False),
        sa.Column("moved_by", sa.Text, nullable=False),
        sa.Column("from_stage", sa.Text),
        sa.Column("to_stage", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("evidence", CanonicalJson, nullable=False),
        sa.Column("eval_id", sa.Uuid, sa.ForeignKey("ml_eval_reports.eval_id")),
        sa.Column("deployment_id", sa.Uuid, sa.ForeignKey("deployment_log.deployment_id")),
        sa.UniqueConstraint("rollout_id", "move_number"),
        is_one_of("status", STATES),
        sa.CheckConstraint("(from_stage IS NULL) = (move_number = 1)", name="from_stage"),
        sa.CheckConstraint("reason <> '' AND moved_by <> ''", name="reason"),
    )
