"""How far each loop has read the events of users' actions."""

import sqlalchemy as sa
from alembic import op

__all__ = ["downgrade", "upgrade"]

revision = "r0012"
down_revision = "r0011"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "trade_marks",
        sa.Column("learner", sa.Text, primary_key=True),
        sa.Column("chain_month", sa.String(7), primary_key=True),
        sa.Column("chain_number", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Take it away: without a mark everything is read again, and what stands is left as it is."""
    op.drop_table("trade_marks")
