"""Tables of the service around the ledger: tokens, parked work, schedules, users' reports and texts from outside."""

import sqlalchemy as sa

from pawl.ledger.column_types import CanonicalJson, UtcTime, new_uuid, utc_now
from pawl.ledger.metadata import METADATA, is_one_of

__all__ = [
    "LETTER_STATES",
    "REPORT_STATES",
    "api_tokens",
    "corpus_documents",
    "dead_letters",
    "schedule_runs",
    "user_reports",
    "worker_heartbeats",
]

LETTER_STATES = ("parked", "retried")
REPORT_STATES = ("queued", "running", "failed", "succeeded")

api_tokens = sa.Table(
    "api_tokens",
    METADATA,
    sa.Column("token_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.Column("revoked_at", UtcTime),
    sa.CheckConstraint("name <> ''", name="name"),
    sa.Index("ix_api_tokens_user_id", "user_id"),
)
"""token_hash: SHA-256 of a token of 32 random bytes, which itself is shown once and kept nowhere."""

dead_letters = sa.Table(
    "dead_letters",
    METADATA,
    sa.Column("letter_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("worker", sa.Text, nullable=False),
    sa.Column("item_id", sa.Text, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default="parked"),
    sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.Column("updated_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.UniqueConstraint("worker", "item_id"),
    is_one_of("status", LETTER_STATES),
    sa.CheckConstraint("attempts >= 1", name="attempts"),
    sa.Index("ix_dead_letters_status", "status"),
)
"""What kept failing, with its last error. worker: by its name, as `trajectory-worker`. item_id: the id of the event or
of the job it failed on."""

schedule_runs = sa.Table(
    "schedule_runs",
    METADATA,
    sa.Column("schedule", sa.Text, primary_key=True),
    sa.Column("due_at", UtcTime, primary_key=True),
    sa.Column("started_at", UtcTime, nullable=False),
)
"""One row for every due time that was taken up: whoever writes it first runs it, and nobody runs it twice."""

worker_heartbeats = sa.Table(
    "worker_heartbeats",
    METADATA,
    sa.Column("executor_id", sa.Text, primary_key=True),
    sa.Column("beat_at", UtcTime, nullable=False),
)

user_reports = sa.Table(
    "user_reports",
    METADATA,
    sa.Column("report_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("request", CanonicalJson, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default="queued"),
    sa.Column("content", CanonicalJson),
    sa.Column("error", sa.Text),
    sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.Column("finished_at", UtcTime),
    is_one_of("status", REPORT_STATES),
    sa.CheckConstraint("(finished_at IS NULL) = (status IN ('queued', 'running'))", name="finished_at"),
    sa.CheckConstraint("(content IS NULL) = (status <> 'succeeded')", name="content"),
    sa.Index("ix_user_reports_user_id_created_at", "user_id", "created_at"),
    sa.Index("ix_user_reports_status", "status"),
)
"""report_id follows from user and idempotency key, so a request that is repeated finds its report."""

corpus_documents = sa.Table(
    "corpus_documents",
    METADATA,
    sa.Column("document_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("licence", sa.Text, nullable=False),
    sa.Column("licence_checked_at", UtcTime, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("content_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.CheckConstraint("source <> '' AND licence <> '' AND content <> ''", name="recorded"),
)
"""Append-only: texts from outside that may stand in a corpus, each with the licence that was checked for it."""
