"""Indexes that no question uses go: a decision that is written turns over a page of each, six of sixteen."""

from alembic import op

__all__ = ["downgrade", "upgrade"]

revision = "r0005"
down_revision = "r0004"

UNUSED = (
    ("passport_event_outbox", ("user_id", "recorded_at")),
    ("tracked_signals", ("trace_id",)),
    ("tracked_signals", ("user_id", "created_at")),
    ("quick_trades", ("trace_id",)),
    ("quick_trades", ("user_id", "created_at")),
    ("quick_trades", ("status",)),
)
"""By table and columns. The rows of a trace are named by its events, which have an index."""


def upgrade() -> None:
    """Take the indexes away."""
    for table, columns in UNUSED:
        op.drop_index(f"ix_{table}_{'_'.join(columns)}", table)


def downgrade() -> None:
    """Make the indexes again."""
    for table, columns in UNUSED:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
