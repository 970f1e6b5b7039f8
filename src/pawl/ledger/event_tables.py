"""The table of events that wait to be told: each written in the transaction of the row that it tells of."""

import sqlalchemy as sa

from pawl.ledger.chain_tables import chain_columns
from pawl.ledger.column_types import CanonicalJson, UtcTime, new_uuid, utc_now
from pawl.ledger.metadata import METADATA

__all__ = ["event_outbox"]

event_outbox = sa.Table(
    "passport_event_outbox",
    METADATA,
    sa.Column("event_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("trace_id", sa.Text, nullable=False),
    sa.Column("inference_id", sa.Uuid),
    sa.Column("source_table", sa.Text, nullable=False),
    sa.Column("source_event_id", sa.Uuid, nullable=False),
    sa.Column("event_type", sa.Text, nullable=False),
    sa.Column("payload", CanonicalJson, nullable=False),
    sa.Column("occurred_at", UtcTime, nullable=False),
    sa.Column("recorded_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.Column("processed_at", UtcTime),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_attempt_at", UtcTime),
    *chain_columns("passport_event_outbox"),
    sa.CheckConstraint("attempts >= 0", name="attempts"),
    sa.CheckConstraint("source_table <> '' AND event_type <> ''", name="named"),
    sa.Index("ix_passport_event_outbox_trace_id", "trace_id"),
    sa.Index(
        "ix_passport_event_outbox_pending",
        "recorded_at",
        sqlite_where=sa.text("processed_at IS NULL"),
        postgresql_where=sa.text("processed_at IS NULL"),
    ),
)
"""source_table, source_event_id: the primary row. inference_id names no row here that must exist: an event is never
lost because the log of inferences lags. processed_at: NULL while it waits. attempts: how often it was
tried. next_attempt_at: not before, after one that failed. These three are the delivery, and in no hash."""
