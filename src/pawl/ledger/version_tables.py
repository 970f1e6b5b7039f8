"""Tables of the versions: their numbers, what is known of each, and every move of the serving alias."""

import sqlalchemy as sa

from pawl.ledger.column_types import CanonicalJson, UtcTime, new_uuid, utc_now
from pawl.ledger.metadata import METADATA, MODEL_ROLES, is_one_of
from pawl.ledger.number_types import Fixed
from pawl.ledger.training_tables import TRAINING_TYPES

__all__ = ["MOVES", "VERSION_STATES", "deployment_log", "model_versions", "version_numbers"]

VERSION_STATES = ("challenger", "shadow", "canary", "champion", "refused", "retired")
MOVES = ("promote", "rollback")

version_numbers = sa.Table(
    "version_numbers",
    METADATA,
    sa.Column("learner", sa.Text, primary_key=True),
    sa.Column("major", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("minor", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("claimed_at", UtcTime, nullable=False),
    sa.CheckConstraint("major >= 0 AND minor >= 0", name="number"),
)
"""Append-only: a number once taken is never free again, whatever became of its training."""

model_versions = sa.Table(
    "model_versions",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("version", sa.String(50), nullable=False, unique=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("model_type", sa.Text, nullable=False),
    sa.Column("parent_version", sa.String(50)),
    sa.Column("trained_at", UtcTime, nullable=False),
    sa.Column("training_log_id", sa.Uuid, sa.ForeignKey("ml_train_jobs.train_job_id")),
    sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("deployed_at", UtcTime),
    sa.Column("production_predictions", sa.Integer, nullable=False, server_default="0"),
    sa.Column("production_win_rate", Fixed(5, 4)),
    sa.Column("production_avg_pnl", Fixed(10, 2)),
    sa.Column("production_sharpe_ratio", Fixed(6, 4)),
    sa.Column("stage1_model_path", sa.String(255)),
    sa.Column("stage2_model_path", sa.String(255)),
    sa.Column("scaler_path", sa.String(255)),
    sa.Column("features_path", sa.String(255)),
    sa.Column("metadata_path", sa.String(255)),
    sa.Column("deprecated_at", UtcTime),
    sa.Column("deprecated_reason", sa.Text),
    sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.Column("updated_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.Column("learner", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("major", sa.Integer, nullable=False),
    sa.Column("minor", sa.Integer, nullable=False),
    sa.Column("daily", sa.Text, nullable=False, server_default=""),
    sa.Column("status", sa.Text, nullable=False, server_default="challenger"),
    sa.Column("max_t1", UtcTime, nullable=False),
    sa.Column("dataset_hash", sa.Text, nullable=False),
    sa.Column("artifact", sa.Text, nullable=False),
    sa.Column("tickers", CanonicalJson, nullable=False),
    sa.Column("certificate", CanonicalJson, nullable=False),
    sa.Column("metrics", CanonicalJson, nullable=False),
    sa.Column("baselines", CanonicalJson, nullable=False),
    sa.Column("files_removed_at", UtcTime),
    is_one_of("model_type", TRAINING_TYPES),
    is_one_of("role", MODEL_ROLES),
    is_one_of("status", VERSION_STATES),
    sa.CheckConstraint("is_active = (status = 'champion')", name="is_active"),
    sa.CheckConstraint("model_type = 'full' OR parent_version IS NOT NULL", name="parent_version"),
    sa.UniqueConstraint("learner", "major", "minor", "daily"),
    sa.Index(
        "uq_model_versions_champion",
        "learner",
        "role",
        unique=True,
        sqlite_where=sa.text("is_active"),
        postgresql_where=sa.text("is_active"),
    ),
    sa.Index("idx_model_versions_active", "is_active"),
    sa.Index("idx_model_versions_created", sa.text("created_at DESC")),
)
"""is_active is the serving alias: at most one a (learner, role). daily: day of a daily update, YYYYMMDD, or empty.
files_removed_at: when its files were given up; the row stays."""

deployment_log = sa.Table(
    "deployment_log",
    METADATA,
    sa.Column("deployment_id", sa.Uuid, primary_key=True),
    sa.Column("learner", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("move_number", sa.Integer, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("from_version", sa.String(50), sa.ForeignKey("model_versions.version")),
    sa.Column("to_version", sa.String(50), sa.ForeignKey("model_versions.version"), nullable=False),
    sa.Column("eval_id", sa.Uuid, sa.ForeignKey("ml_eval_reports.eval_id")),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("moved_by", sa.Text, nullable=False),
    sa.Column("moved_at", UtcTime, nullable=False),
    sa.UniqueConstraint("learner", "role", "move_number"),
    is_one_of("what", MOVES),
    is_one_of("role", MODEL_ROLES),
    sa.CheckConstraint("from_version <> to_version", name="versions"),
    sa.CheckConstraint("what <> 'promote' OR eval_id IS NOT NULL", name="promote"),
    sa.CheckConstraint("what <> 'rollback' OR from_version IS NOT NULL", name="rollback"),
    sa.CheckConstraint("reason <> '' AND moved_by <> ''", name="reason"),
)
"""Append-only: every move of the alias of a (learner, role), numbered from 1, with the verdict that allowed it."""
