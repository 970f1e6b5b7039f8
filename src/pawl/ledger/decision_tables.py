"""Tables of what was inferred, decided and done, live and in replays."""

import sqlalchemy as sa

from pawl.ledger.chain_tables import chain_columns
from pawl.ledger.column_types import CanonicalJson, UtcTime, new_uuid, utc_now
from pawl.ledger.metadata import METADATA, MODEL_ROLES, is_one_of
from pawl.ledger.number_types import Fixed

__all__ = [
    "LABEL_QUALITIES",
    "POLICIES",
    "ROW_KINDS",
    "decision_trajectories",
    "inference_logs",
    "replay_log",
    "replays",
]

LABEL_QUALITIES = ("pending", "good", "bad", "ambiguous")
POLICIES = ("gated", "always", "frozen")
ROW_KINDS = ("inference", "decision", "fill", "outcome", "training", "verdict", "deployment")

inference_logs = sa.Table(
    "model_inference_logs",
    METADATA,
    sa.Column("inference_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("trace_id", sa.Text, nullable=False),
    sa.Column("model_name", sa.Text, nullable=False),
    sa.Column("model_version", sa.Text, nullable=False),
    sa.Column("model_role", sa.Text, nullable=False),
    sa.Column("prompt_hash", sa.Text, nullable=False),
    sa.Column("prompt_payload", CanonicalJson, nullable=False),
    sa.Column("response_payload", CanonicalJson, nullable=False),
    sa.Column("latency_ms", sa.Integer, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.Column("learner", sa.Text, nullable=False),
    *chain_columns("model_inference_logs"),
    sa.UniqueConstraint("trace_id", "model_role", "created_at"),
    is_one_of("model_role", MODEL_ROLES),
    sa.CheckConstraint("latency_ms >= 0", name="latency_ms"),
    sa.Index("ix_model_inference_logs_user_id_created_at", "user_id", "created_at"),
)
"""Append-only. The same `inference_id` again is the same inference, tried again: one row."""

decision_trajectories = sa.Table(
    "decision_trajectories",
    METADATA,
    sa.Column("trajectory_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("trace_id", sa.Text, nullable=False),
    sa.Column("source_event_id", sa.Uuid, nullable=False, unique=True),
    sa.Column("inference_id", sa.Uuid, sa.ForeignKey("model_inference_logs.inference_id")),
    sa.Column("context_features", CanonicalJson, nullable=False),
    sa.Column("decision_features", CanonicalJson, nullable=False),
    sa.Column("outcome_features", CanonicalJson),
    sa.Column("utility_score", Fixed(12, 4)),
    sa.Column("label_quality", sa.Text, nullable=False, server_default="pending"),
    sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.Column("learner", sa.Text, nullable=False),
    *chain_columns("decision_trajectories"),
    is_one_of("label_quality", LABEL_QUALITIES),
    sa.Index("ix_decision_trajectories_trace_id", "trace_id"),
    sa.Index("ix_decision_trajectories_user_id_created_at", "user_id", "created_at"),
)

replays = sa.Table(
    "replays",
    METADATA,
    sa.Column("replay_id", sa.Uuid, primary_key=True),
    sa.Column("inputs_hash", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("inputs", CanonicalJson, nullable=False),
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("finished_at", UtcTime),
    sa.Column("ledger_hash", sa.Text),
    sa.UniqueConstraint("inputs_hash", "attempt"),
    sa.CheckConstraint("(finished_at IS NULL) = (ledger_hash IS NULL)", name="finished_at"),
)
"""One row a run. inputs: all that the run follows from. started_at and finished_at are wall-clock, and in no hash."""

replay_log = sa.Table(
    "replay_log",
    METADATA,
    sa.Column("replay_id", sa.Uuid, sa.ForeignKey("replays.replay_id"), primary_key=True),
    sa.Column("row_number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("virtual_time", UtcTime, nullable=False),
    sa.Column("learner", sa.Text, nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("ticker", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    # Text, not jsonb: the hash is over these very bytes.
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("row_hash", sa.Text, nullable=False),
    sa.Column("recorded_at", UtcTime, nullable=False),
    sa.UniqueConstraint("replay_id", "virtual_time", "learner", "policy", "ticker", "kind"),
    is_one_of("policy", POLICIES),
    is_one_of("kind", ROW_KINDS),
    sqlite_with_rowid=False,
)
"""Append-only hash chain. ticker is empty on rows about a learner. recorded_at is wall-clock, and in no hash."""
