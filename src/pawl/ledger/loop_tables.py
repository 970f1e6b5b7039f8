"""The table of events that the loop tells: each written in the transaction of the state change that it tells of."""

import sqlalchemy as sa

from pawl.ledger.column_types import CanonicalJson, UtcTime, utc_now
from pawl.ledger.metadata import METADATA, is_one_of

__all__ = ["TOPICS", "loop_outbox"]

TOPICS = (
    "new_market_data",
    "new_prediction",
    "signal_outcome",
    "training_completed",
    "alert",
    "report_ready",
    "alias_moved",
)

loop_outbox = sa.Table(
    "loop_outbox",
    METADATA,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("event_id", sa.Uuid, nullable=False, unique=True),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("payload", CanonicalJson, nullable=False),
    sa.Column("trace_id", sa.Text),
    sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.Column("published_at", UtcTime),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    is_one_of("topic", TOPICS),
    sa.CheckConstraint("attempts >= 0", name="attempts"),
    sa.Index(
        "ix_loop_outbox_unpublished",
        "number",
        sqlite_where=sa.text("published_at IS NULL"),
        postgresql_where=sa.text("published_at IS NULL"),
    ),
)
"""number: the order of writing. event_id: follows from the topic and from what happened, so a step that is repeated
announces once. at: when it happened, as the loop's clock says. created_at is wall-clock. published_at: NULL while it
waits. attempts: publications that came to nothing."""
