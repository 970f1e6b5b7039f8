"""What a loop has measured of itself, and an index by which its trainings are found among all that it received."""

import sqlalchemy as sa
from alembic import op

from pawl.ledger.column_types import CanonicalJson, UtcTime

__all__ = ["downgrade", "upgrade"]

revision = "r0011"
down_revision = "r0010"


def upgrade() -> None:
    """Make the table and the index."""
    op.create_table(
        "measured_figures",
        sa.Column("learner", sa.Text, primary_key=True),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("figures", CanonicalJson, nullable=False),
    )
    trainings = sa.text("kind = 'training'")
    op.create_index(
        "ix_live_log_trainings",
        "live_log",
        ["learner", "kind", "at"],
        sqlite_where=trainings,
        postgresql_where=trainings,
    )


def downgrade() -> None:
    """Take both away. What was measured is measured again within the hour."""
    op.drop_index("ix_live_log_trainings", "live_log")
    op.drop_table("measured_figures")
