"""The first tables: trainings and verdicts, versions and their alias, decisions and replays."""

import sqlalchemy as sa
from alembic import op

from pawl.ledger.column_types import CanonicalJson, UtcTime, UuidList, new_uuid, utc_now
from pawl.ledger.metadata import is_one_of
from pawl.ledger.migrations.append_only import refuse_changes

__all__ = ["downgrade", "upgrade"]

revision = "r0001"
down_revision = None

# Value sets stand here as they were when this revision was made: a revision never changes.


def upgrade() -> None:
    """Make the tables, the triggers and the view."""
    _training()
    _versions()
    _decisions()
    refuse_changes(
        op.get_bind(),
        [
            "ml_dataset_versions",
            "ml_eval_reports",
            "version_numbers",
            "deployment_log",
            "model_inference_logs",
            "replay_log",
        ],
    )
    op.execute(MODEL_TRAINING_LOG)


def downgrade() -> None:
    """Refused: these tables are the record itself."""
    raise NotImplementedError("there is nothing before the first tables")


MODEL_TRAINING_LOG = """
CREATE VIEW model_training_log AS
SELECT
    train_job_id AS id, target_model_version AS model_version, training_type, data_start_date, data_end_date,
    num_samples, training_duration_seconds, train_samples, val_samples, test_samples, hyperparams AS hyperparameters,
    train_loss, val_loss, test_loss, train_accuracy, val_accuracy, test_accuracy, precision, recall, f1_score,
    backtest_win_rate, backtest_sharpe_ratio, backtest_max_drawdown, backtest_total_pnl,
    CASE
        WHEN status IN ('queued', 'running') THEN 'training'
        WHEN status = 'failed' THEN 'failed'
        WHEN EXISTS (SELECT 1 FROM deployment_log WHERE to_version = target_model_version) THEN 'deployed'
        ELSE 'completed'
    END AS status,
    error_message, model_path, scaler_path, metadata_path, created_at, updated_at
FROM ml_train_jobs WHERE train_type = 'retrain'
"""


def _training() -> None:
    op.create_table(
        "ml_dataset_versions",
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
        is_one_of("dataset_type", ("pretrain", "sft", "orpo", "supervised")),
        sa.CheckConstraint("window_start <= window_end", name="window"),
        sa.CheckConstraint("sample_count >= 0", name="sample_count"),
    )
    op.create_table(
        "ml_train_jobs",
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
        sa.Column("training_type", sa.Text),
        sa.Column("data_start_date", UtcTime),
        sa.Column("data_end_date", UtcTime),
        sa.Column("num_samples", sa.Integer),
        sa.Column("training_duration_seconds", sa.Integer),
        sa.Column("train_samples", sa.Integer),
        sa.Column("val_samples", sa.Integer),
        sa.Column("test_samples", sa.Integer),
        sa.Column("train_loss", sa.Numeric(10, 6, asdecimal=False)),
        sa.Column("val_loss", sa.Numeric(10, 6, asdecimal=False)),
        sa.Column("test_loss", sa.Numeric(10, 6, asdecimal=False)),
        sa.Column("train_accuracy", sa.Numeric(5, 4, asdecimal=False)),
        sa.Column("val_accuracy", sa.Numeric(5, 4, asdecimal=False)),
        sa.Column("test_accuracy", sa.Numeric(5, 4, asdecimal=False)),
        sa.Column("precision", sa.Numeric(5, 4, asdecimal=False)),
        sa.Column("recall", sa.Numeric(5, 4, asdecimal=False)),
        sa.Column("f1_score", sa.Numeric(5, 4, asdecimal=False)),
        sa.Column("backtest_win_rate", sa.Numeric(5, 4, asdecimal=False)),
        sa.Column("backtest_sharpe_ratio", sa.Numeric(6, 4, asdecimal=False)),
        sa.Column("backtest_max_drawdown", sa.Numeric(6, 4, asdecimal=False)),
        sa.Column("backtest_total_pnl", sa.Numeric(12, 2, asdecimal=False)),
        sa.Column("error_message", sa.Text),
        sa.Column("model_path", sa.String(255)),
        sa.Column("scaler_path", sa.String(255)),
        sa.Column("metadata_path", sa.String(255)),
        sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
        sa.Column("updated_at", UtcTime, nullable=False, server_default=utc_now()),
        is_one_of("train_type", ("pretrain", "sft", "orpo", "retrain")),
        is_one_of("model_role", ("policy", "analyst")),
        is_one_of("status", ("queued", "running", "failed", "succeeded")),
        is_one_of("training_type", ("full", "incremental")),
        sa.CheckConstraint("(started_at IS NULL) = (status = 'queued')", name="started_at"),
        sa.CheckConstraint("(finished_at IS NULL) = (status IN ('queued', 'running'))", name="finished_at"),
    )
    op.create_index("idx_training_log_version", "ml_train_jobs", ["target_model_version"])
    op.create_index("idx_training_log_created", "ml_train_jobs", [sa.text("created_at DESC")])
    op.create_index("ix_ml_train_jobs_status", "ml_train_jobs", ["status"])
    op.create_table(
        "ml_eval_reports",
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
        sa.UniqueConstraint("model_version", "report_number"),
        is_one_of("eval_scope", ("offline", "shadow", "canary")),
        is_one_of("gate_result", ("pass", "fail")),
        is_one_of("model_role", ("policy", "analyst")),
        sa.CheckConstraint("baseline_version <> model_version", name="baseline_version"),
    )
    op.create_index("ix_ml_eval_reports_model_version_eval_scope", "ml_eval_reports", ["model_version", "eval_scope"])


def _versions() -> None:
    op.create_table(
        "version_numbers",
        sa.Column("learner", sa.Text, primary_key=True),
        sa.Column("major", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("minor", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("claimed_at", UtcTime, nullable=False),
        sa.CheckConstraint("major >= 0 AND minor >= 0", name="number"),
    )
    op.create_table(
        "model_versions",
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
        sa.Column("production_win_rate", sa.Numeric(5, 4, asdecimal=False)),
        sa.Column("production_avg_pnl", sa.Numeric(10, 2, asdecimal=False)),
        sa.Column("production_sharpe_ratio", sa.Numeric(6, 4, asdecimal=False)),
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
        is_one_of("model_type", ("full", "incremental")),
        is_one_of("role", ("policy", "analyst")),
        is_one_of("status", ("challenger", "shadow", "canary", "champion", "refused", "retired")),
        sa.CheckConstraint("is_active = (status = 'champion')", name="is_active"),
        sa.CheckConstraint("model_type = 'full' OR parent_version IS NOT NULL", name="parent_version"),
        sa.UniqueConstraint("learner", "major", "minor", "daily"),
    )
    op.create_index(
        "uq_model_versions_champion",
        "model_versions",
        ["learner", "role"],
        unique=True,
        sqlite_where=sa.text("is_active"),
        postgresql_where=sa.text("is_active"),
    )
    op.create_index("idx_model_versions_active", "model_versions", ["is_active"])
    op.create_index("idx_model_versions_created", "model_versions", [sa.text("created_at DESC")])
    op.create_table(
        "deployment_log",
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
        is_one_of("what", ("promote", "rollback")),
        is_one_of("role", ("policy", "analyst")),
        sa.CheckConstraint("from_version <> to_version", name="versions"),
        sa.CheckConstraint("what <> 'promote' OR eval_id IS NOT NULL", name="promote"),
        sa.CheckConstraint("what <> 'rollback' OR from_version IS NOT NULL", name="rollback"),
        sa.CheckConstraint("reason <> '' AND moved_by <> ''", name="reason"),
    )


def _decisions() -> None:
    op.create_table(
        "model_inference_logs",
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
        sa.UniqueConstraint("trace_id", "model_role", "created_at"),
        is_one_of("model_role", ("policy", "analyst")),
        sa.CheckConstraint("latency_ms >= 0", name="latency_ms"),
    )
    op.create_index("ix_model_inference_logs_user_id_created_at", "model_inference_logs", ["user_id", "created_at"])
    op.create_table(
        "decision_trajectories",
        sa.Column("trajectory_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("trace_id", sa.Text, nullable=False),
        sa.Column("source_event_id", sa.Uuid, nullable=False, unique=True),
        sa.Column("inference_id", sa.Uuid, sa.ForeignKey("model_inference_logs.inference_id")),
        sa.Column("context_features", CanonicalJson, nullable=False),
        sa.Column("decision_features", CanonicalJson, nullable=False),
        sa.Column("outcome_features", CanonicalJson),
        sa.Column("utility_score", sa.Numeric(12, 4, asdecimal=False)),
        sa.Column("label_quality", sa.Text, nullable=False, server_default="pending"),
        sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
        sa.Column("learner", sa.Text, nullable=False),
        is_one_of("label_quality", ("pending", "good", "bad", "ambiguous")),
    )
    op.create_index("ix_decision_trajectories_trace_id", "decision_trajectories", ["trace_id"])
    op.create_index("ix_decision_trajectories_user_id_created_at", "decision_trajectories", ["user_id", "created_at"])
    op.create_table(
        "replays",
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
    op.create_table(
        "replay_log",
        sa.Column("replay_id", sa.Uuid, sa.ForeignKey("replays.replay_id"), primary_key=True),
        sa.Column("row_number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("virtual_time", UtcTime, nullable=False),
        sa.Column("learner", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("ticker", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("row_hash", sa.Text, nullable=False),
        sa.Column("recorded_at", UtcTime, nullable=False),
        sa.UniqueConstraint("replay_id", "virtual_time", "learner", "policy", "ticker", "kind"),
        is_one_of("policy", ("gated", "always", "frozen")),
        is_one_of("kind", ("inference", "decision", "fill", "outcome", "training", "verdict", "deployment")),
        sqlite_with_rowid=False,
    )
