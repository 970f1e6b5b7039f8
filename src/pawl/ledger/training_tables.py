"""Tables of what was trained, on what, and how it was judged."""

import sqlalchemy as sa

from pawl.ledger.chain_tables import chain_columns
from pawl.ledger.column_types import CanonicalJson, UtcTime, UuidList, new_uuid, utc_now
from pawl.ledger.metadata import METADATA, MODEL_ROLES, is_one_of
from pawl.ledger.number_types import Fixed

__all__ = [
    "DATASET_TYPES",
    "EVAL_SCOPES",
    "GATE_RESULTS",
    "JOB_STATES",
    "TRAINING_TYPES",
    "TRAIN_TYPES",
    "dataset_versions",
    "eval_reports",
    "train_jobs",
]

DATASET_TYPES = ("pretrain", "sft", "orpo", "supervised")
TRAIN_TYPES = ("pretrain", "sft", "orpo", "retrain")
TRAINING_TYPES = ("full", "incremental")
JOB_STATES = ("queued", "running", "failed", "succeeded")
EVAL_SCOPES = ("offline", "shadow", "canary")
GATE_RESULTS = ("pass", "fail")

dataset_versions = sa.Table(
    "ml_dataset_versions",
    METADATA,
    sa.Column("dataset_version_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("dataset_type", sa.Text, nullable=False),
    sa.Column("window_start", UtcTime, nullable=False),
    sa.Column("window_end", UtcTime, nullable=False),
    sa.Column("sample_count", sa.Integer, nullable=False),
    sa.Column("filters", CanonicalJson, nullable=False),
    sa.Column("quality_report", CanonicalJson, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.Column("learner", sa.Text, nullable=False),
    sa.Column("content_hash", sa.Text, nullable=False),
    is_one_of("dataset_type", DATASET_TYPES),
    sa.CheckConstraint("window_start <= window_end", name="window"),
    sa.CheckConstraint("sample_count >= 0", name="sample_count"),
)
"""Append-only: a dataset version is what it was. content_hash: of its rows; filters hold what rebuilds it."""

train_jobs = sa.Table(
    "ml_train_jobs",
    METADATA,
    sa.Column("train_job_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("train_type", sa.Text, nullable=False),
    sa.Column("model_role", sa.Text, nullable=False),
    sa.Column("base_model", sa.Text, nullable=False),
    sa.Column("target_model_version", sa.Text, nullable=False),
    sa.Column("dataset_version_ids", UuidList, nullable=False),
    sa.Column("hyperparams", CanonicalJson, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default="queued"),
    sa.Column("started_at", UtcTime),
    sa.Column("finished_at", UtcTime),
    sa.Column("artifacts", CanonicalJson, nullable=False, server_default="{}"),
    sa.Column("learner", sa.Text, nullable=False),
    # What `model_training_log` asks for beyond these; the view of that name reads them from here.
    sa.Column("training_type", sa.Text),
    sa.Column("data_start_date", UtcTime),
    sa.Column("data_end_date", UtcTime),
    sa.Column("num_samples", sa.Integer),
    sa.Column("training_duration_seconds", sa.Integer),
    sa.Column("train_samples", sa.Integer),
    sa.Column("val_samples", sa.Integer),
    sa.Column("test_samples", sa.Integer),
    sa.Column("train_loss", Fixed(10, 6)),
    sa.Column("val_loss", Fixed(10, 6)),
    sa.Column("test_loss", Fixed(10, 6)),
    sa.Column("train_accuracy", Fixed(5, 4)),
    sa.Column("val_accuracy", Fixed(5, 4)),
    sa.Column("test_accuracy", Fixed(5, 4)),
    sa.Column("precision", Fixed(5, 4)),
    sa.Column("recall", Fixed(5, 4)),
    sa.Column("f1_score", Fixed(5, 4)),
    sa.Column("backtest_win_rate", Fixed(5, 4)),
    sa.Column("backtest_sharpe_ratio", Fixed(6, 4)),
    sa.Column("backtest_max_drawdown", Fixed(6, 4)),
    sa.Column("backtest_total_pnl", Fixed(12, 2)),
    sa.Column("error_message", sa.Text),
    sa.Column("model_path", sa.String(255)),
    sa.Column("scaler_path", sa.String(255)),
    sa.Column("metadata_path", sa.String(255)),
    sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.Column("updated_at", UtcTime, nullable=False, server_default=utc_now()),
    is_one_of("train_type", TRAIN_TYPES),
    is_one_of("model_role", MODEL_ROLES),
    is_one_of("status", JOB_STATES),
    is_one_of("training_type", TRAINING_TYPES),
    sa.CheckConstraint("(started_at IS NULL) = (status = 'queued')", name="started_at"),
    sa.CheckConstraint("(finished_at IS NULL) = (status IN ('queued', 'running'))", name="finished_at"),
    sa.Index("idx_training_log_version", "target_model_version"),
    sa.Index("idx_training_log_created", sa.text("created_at DESC")),
    sa.Index("ix_ml_train_jobs_status", "status"),
)

eval_reports = sa.Table(
    "ml_eval_reports",
    METADATA,
    sa.Column("eval_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("train_job_id", sa.Uuid, sa.ForeignKey("ml_train_jobs.train_job_id"), nullable=False),
    sa.Column("model_version", sa.Text, nullable=False),
    sa.Column("eval_scope", sa.Text, nullable=False),
    sa.Column("metrics", CanonicalJson, nullable=False),
    sa.Column("gate_result", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.Column("learner", sa.Text, nullable=False),
    sa.Column("model_role", sa.Text, nullable=False),
    sa.Column("baseline_version", sa.Text),
    sa.Column("report_number", sa.Integer, nullable=False),
    *chain_columns("ml_eval_reports"),
    sa.UniqueConstraint("model_version", "report_number"),
    is_one_of("eval_scope", EVAL_SCOPES),
    is_one_of("gate_result", GATE_RESULTS),
    is_one_of("model_role", MODEL_ROLES),
    sa.CheckConstraint("baseline_version <> model_version", name="baseline_version"),
    sa.Index("ix_ml_eval_reports_model_version_eval_scope", "model_version", "eval_scope"),
)
"""Append-only. The verdict stands whole in `metrics`, under `verdict`, in the one row that also holds its result: they
cannot come apart, and a gate of any shape fits. baseline_version: the champion it was measured against; NULL when
nothing served. report_number: 1 for the first report of a version; the newest decides."""
