"""Monthly selections, and which versions have given up their files."""

import sqlalchemy as sa
from alembic import op

from pawl.errors import RefusalError
from pawl.ledger.column_types import CanonicalJson, UtcTime
from pawl.ledger.metadata import is_one_of
from pawl.ledger.migrations.append_only import allow_changes, refuse_changes

__all__ = ["downgrade", "upgrade"]

revision = "r0009"
down_revision = "r0008"


def upgrade() -> None:
    """Make the table and the column."""
    op.add_column("model_versions", sa.Column("files_removed_at", UtcTime))
    op.create_table(
        "monthly_selections",
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
        is_one_of("role", ("policy", "analyst")),
        is_one_of("act", ("kept", "rollout", "promoted")),
        sa.CheckConstraint("act = 'kept' OR (best IS NOT NULL AND eval_id IS NOT NULL)", name="verdict"),
        sa.CheckConstraint("reason <> ''", name="reason"),
    )
    refuse_changes(op.get_bind(), ("monthly_selections",))


def downgrade() -> None:
    """Take both away. RefusalError while they hold anything."""
    tx = op.get_bind()
    for what, holds in (
        ("monthly_selections", "SELECT EXISTS (SELECT 1 FROM monthly_selections)"),
        ("model_versions", "SELECT EXISTS (SELECT 1 FROM model_versions WHERE files_removed_at IS NOT NULL)"),
    ):
        if tx.execute(sa.text(holds)).scalar_one():
            raise RefusalError(
                f"`{what}` holds rows of monthly selections, which the revision before has no place for",
                where="ledger",
                fix="keep this revision, or export the rows and empty the table first",
            )
    allow_changes(tx, ("monthly_selections",))
    op.drop_table("monthly_selections")
    op.drop_column("model_versions", "files_removed_at")
