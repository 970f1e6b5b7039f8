"""The outbox of the loop's own events."""

import sqlalchemy as sa
from alembic import op

from pawl.errors import RefusalError
from pawl.ledger.column_types import CanonicalJson, UtcTime, utc_now
from pawl.ledger.metadata import is_one_of
from pawl.ledger.migrations.append_only import refuse_columns

__all__ = ["downgrade", "upgrade"]

revision = "r0004"
down_revision = "r0003"

SAID = ("number", "event_id", "topic", "at", "payload", "trace_id", "created_at")


def upgrade() -> None:
    """Make the table. What an event says never changes; rows that were published may go."""
    op.create_table(
        "loop_outbox",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("event_id", sa.Uuid, nullable=False, unique=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("payload", CanonicalJson, nullable=False),
        sa.Column("trace_id", sa.Text),
        sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
        sa.Column("published_at", UtcTime),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        is_one_of(
            "topic",
            (
                "new_market_data",
                "new_prediction",
                "signal_outcome",
                "training_completed",
                "alert",
                "report_ready",
                "alias_moved",
            ),
        ),
        sa.CheckConstraint("attempts >= 0", name="attempts"),
        sa.Index(
            "ix_loop_outbox_unpublished",
            "number",
            sqlite_where=sa.text("published_at IS NULL"),
            postgresql_where=sa.text("published_at IS NULL"),
        ),
    )
    refuse_columns(op.get_bind(), "loop_outbox", SAID)


def downgrade() -> None:
    """Drop the table. RefusalError while an event in it waits: what was published is with the bus."""
    waits = sa.text("SELECT EXISTS (SELECT 1 FROM loop_outbox WHERE published_at IS NULL)")
    if op.get_bind().execute(waits).scalar_one():
        raise RefusalError(
            "`loop_outbox` holds events that were not published, and revision r0003 has no table for them",
            where="ledger",
            fix="keep this revision, or let the relay publish them first",
        )
    op.drop_table("loop_outbox")
