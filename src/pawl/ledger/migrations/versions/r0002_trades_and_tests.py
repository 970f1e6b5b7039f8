"""Tables of events, of users' trades, of preference pairs, A/B tests and signals, and the one that knows the users."""

import sqlalchemy as sa
from alembic import op

from pawl.errors import RefusalError
from pawl.ledger.column_types import CanonicalJson, UtcTime, new_uuid, utc_now
from pawl.ledger.metadata import is_one_of
from pawl.ledger.migrations.append_only import refuse_changes

__all__ = ["downgrade", "upgrade"]

revision = "r0002"
down_revision = "r0001"

# In the order of their references.
TABLES = (
    "passport_event_outbox",
    "tracked_signals",
    "quick_trades",
    "pnl_entries",
    "ml_preference_pairs",
    "model_ab_test",
    "trading_signals",
    "personal_data",
)


def upgrade() -> None:
    """Make the tables and the triggers; nothing that stands is touched."""
    _events()
    _trades()
    _pairs()
    _ab_tests()
    _signals()
    _personal()
    refuse_changes(op.get_bind(), ["ml_preference_pairs", "pnl_entries"])


def downgrade() -> None:
    """Drop the tables. RefusalError while one of them holds a row: r0001 has no place for it."""
    for table in TABLES:
        if op.get_bind().execute(sa.text(f"SELECT EXISTS (SELECT 1 FROM {table})")).scalar_one():
            raise RefusalError(
                f"`{table}` holds rows that revision r0001 has no table for",
                where="ledger",
                fix="keep this revision, or export the rows and empty the table first",
            )
    for table in reversed(TABLES):
        op.drop_table(table)


def _events() -> None:
    op.create_table(
        "passport_event_outbox",
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
        sa.CheckConstraint("attempts >= 0", name="attempts"),
        sa.CheckConstraint("source_table <> '' AND event_type <> ''", name="named"),
        sa.Index("ix_passport_event_outbox_trace_id", "trace_id"),
        sa.Index("ix_passport_event_outbox_user_id_recorded_at", "user_id", "recorded_at"),
        sa.Index(
            "ix_passport_event_outbox_pending",
            "recorded_at",
            sqlite_where=sa.text("processed_at IS NULL"),
            postgresql_where=sa.text("processed_at IS NULL"),
        ),
    )


def _trades() -> None:
    op.create_table(
        "tracked_signals",
        sa.Column("signal_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("trace_id", sa.Text, nullable=False),
        sa.Column("inference_id", sa.Uuid),
        sa.Column("ticker", sa.Text, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("confidence", sa.Double),
        sa.Column("plan", CanonicalJson, nullable=False),
        sa.Column("rationale_hash", sa.Text),
        sa.Column("status", sa.Text, nullable=False, server_default="tracked"),
        sa.Column("tracked_at", UtcTime, nullable=False),
        sa.Column("converted_at", UtcTime),
        sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
        is_one_of("direction", ("long", "short", "flat")),
        is_one_of("status", ("tracked", "converted")),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        sa.CheckConstraint("(converted_at IS NULL) = (status = 'tracked')", name="converted_at"),
        sa.Index("ix_tracked_signals_trace_id", "trace_id"),
        sa.Index("ix_tracked_signals_user_id_created_at", "user_id", "created_at"),
    )
    op.create_table(
        "quick_trades",
        sa.Column("trade_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("trace_id", sa.Text, nullable=False),
        sa.Column("inference_id", sa.Uuid),
        sa.Column("signal_id", sa.Uuid, sa.ForeignKey("tracked_signals.signal_id")),
        sa.Column("ticker", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("size", sa.Double, nullable=False),
        sa.Column("leverage", sa.Double, nullable=False, server_default="1"),
        sa.Column("decision_price", sa.Double),
        sa.Column("entry_price", sa.Double, nullable=False),
        sa.Column("stop_price", sa.Double),
        sa.Column("target_price", sa.Double),
        sa.Column("is_followed", sa.Boolean),
        sa.Column("status", sa.Text, nullable=False, server_default="open"),
        sa.Column("opened_at", UtcTime, nullable=False),
        sa.Column("closed_at", UtcTime),
        sa.Column("exit_price", sa.Double),
        sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
        is_one_of("side", ("long", "short")),
        is_one_of("status", ("open", "closed")),
        sa.CheckConstraint("size > 0 AND leverage > 0 AND entry_price > 0", name="positive"),
        sa.CheckConstraint("(closed_at IS NULL) = (status = 'open')", name="closed_at"),
        sa.CheckConstraint("(exit_price IS NULL) = (status = 'open')", name="exit_price"),
        sa.CheckConstraint("opened_at <= closed_at", name="times"),
        sa.Index("ix_quick_trades_trace_id", "trace_id"),
        sa.Index("ix_quick_trades_user_id_created_at", "user_id", "created_at"),
        sa.Index("ix_quick_trades_status", "status"),
    )
    op.create_table(
        "pnl_entries",
        sa.Column("entry_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("trace_id", sa.Text, nullable=False),
        sa.Column("trade_id", sa.Uuid, sa.ForeignKey("quick_trades.trade_id"), nullable=False),
        sa.Column("is_final", sa.Boolean, nullable=False),
        sa.Column("pnl", sa.Double, nullable=False),
        sa.Column("pnl_bps", sa.Double, nullable=False),
        sa.Column("max_drawdown_bps", sa.Double),
        sa.Column("hold_sec", sa.Integer),
        sa.Column("slippage_bps", sa.Double),
        sa.Column("occurred_at", UtcTime, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
        sa.CheckConstraint("max_drawdown_bps >= 0 AND hold_sec >= 0", name="magnitudes"),
        sa.CheckConstraint("NOT is_final OR (max_drawdown_bps IS NOT NULL AND hold_sec IS NOT NULL)", name="is_final"),
        sa.Index("ix_pnl_entries_trace_id", "trace_id"),
        sa.Index("ix_pnl_entries_user_id_created_at", "user_id", "created_at"),
        sa.Index("ix_pnl_entries_trade_id", "trade_id"),
        sa.Index(
            "uq_pnl_entries_final",
            "trade_id",
            unique=True,
            sqlite_where=sa.text("is_final"),
            postgresql_where=sa.text("is_final"),
        ),
    )


def _pairs() -> None:
    op.create_table(
        "ml_preference_pairs",
        sa.Column("pair_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
        sa.Column(
            "dataset_version_id", sa.Uuid, sa.ForeignKey("ml_dataset_versions.dataset_version_id"), nullable=False
        ),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("trace_id", sa.Text, nullable=False),
        sa.Column("prompt", CanonicalJson, nullable=False),
        sa.Column("chosen", CanonicalJson, nullable=False),
        sa.Column("rejected", CanonicalJson, nullable=False),
        sa.Column("margin_score", sa.Numeric(12, 4, asdecimal=False), nullable=False),
        sa.Column("pair_quality", sa.Text, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
        sa.Column("learner", sa.Text, nullable=False),
        is_one_of("pair_quality", ("high", "medium", "low")),
        sa.Index("ix_ml_preference_pairs_dataset_version_id", "dataset_version_id"),
        sa.Index("ix_ml_preference_pairs_trace_id", "trace_id"),
        sa.Index("ix_ml_preference_pairs_user_id_created_at", "user_id", "created_at"),
    )


def _ab_tests() -> None:
    op.create_table(
        "model_ab_test",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=new_uuid()),
        sa.Column("test_name", sa.String(100), nullable=False),
        sa.Column("model_a_version", sa.String(50), sa.ForeignKey("model_versions.version"), nullable=False),
        sa.Column("model_b_version", sa.String(50), sa.ForeignKey("model_versions.version"), nullable=False),
        sa.Column("traffic_split", sa.Numeric(3, 2, asdecimal=False), nullable=False, server_default="0.5"),
        sa.Column("start_date", UtcTime, nullable=False),
        sa.Column("end_date", UtcTime),
        sa.Column("model_a_predictions", sa.Integer, nullable=False, server_default="0"),
        sa.Column("model_b_predictions", sa.Integer, nullable=False, server_default="0"),
        sa.Column("model_a_win_rate", sa.Numeric(5, 4, asdecimal=False)),
        sa.Column("model_b_win_rate", sa.Numeric(5, 4, asdecimal=False)),
        sa.Column("model_a_avg_pnl", sa.Numeric(10, 2, asdecimal=False)),
        sa.Column("model_b_avg_pnl", sa.Numeric(10, 2, asdecimal=False)),
        sa.Column("p_value", sa.Numeric(6, 5, asdecimal=False)),
        sa.Column("is_significant", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("winner", sa.String(50)),
        sa.Column("status", sa.Text, nullable=False, server_default="running"),
        sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
        sa.Column("updated_at", UtcTime, nullable=False, server_default=utc_now()),
        sa.Column("learner", sa.Text, nullable=False),
        is_one_of("winner", ("model_a", "model_b", "tie")),
        is_one_of("status", ("running", "completed", "stopped")),
        sa.CheckConstraint("model_a_version <> model_b_version", name="versions"),
        sa.CheckConstraint("traffic_split BETWEEN 0 AND 1", name="traffic_split"),
        sa.CheckConstraint("p_value BETWEEN 0 AND 1", name="p_value"),
        sa.CheckConstraint("(winner IS NULL) = (status <> 'completed')", name="decided"),
        sa.CheckConstraint("start_date <= end_date", name="dates"),
        sa.Index("idx_ab_test_status", "status"),
        sa.Index(
            "uq_model_ab_test_running",
            "learner",
            unique=True,
            sqlite_where=sa.text("status = 'running'"),
            postgresql_where=sa.text("status = 'running'"),
        ),
    )


def _signals() -> None:
    op.create_table(
        "trading_signals",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=new_uuid()),
        sa.Column("pair", sa.Text, nullable=False),
        sa.Column("timeframe", sa.Text, nullable=False),
        sa.Column("signal", sa.Text, nullable=False),
        sa.Column("confidence", sa.Double, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
        sa.Column("updated_at", UtcTime, nullable=False, server_default=utc_now()),
        sa.Column("actual_outcome", sa.Text),
        sa.Column("actual_pnl", sa.Double),
        sa.Column("actual_pnl_percent", sa.Double),
        sa.Column("model_version", sa.String(50), sa.ForeignKey("model_versions.version"), nullable=False),
        sa.Column("ab_test_id", sa.Uuid, sa.ForeignKey("model_ab_test.id")),
        sa.Column("bar_timestamp", UtcTime, nullable=False),
        sa.Column("features_hash", sa.Text, nullable=False),
        sa.Column("resolved_at", UtcTime),
        sa.Column("outcome_source", sa.Text),
        sa.Column("learner", sa.Text, nullable=False),
        sa.Column("trace_id", sa.Text, nullable=False),
        sa.Column("inference_id", sa.Uuid, sa.ForeignKey("model_inference_logs.inference_id")),
        sa.UniqueConstraint("pair", "timeframe", "bar_timestamp", "model_version"),
        is_one_of("signal", ("buy", "sell", "hold")),
        is_one_of("actual_outcome", ("win", "loss", "breakeven", "expired")),
        is_one_of("outcome_source", ("real", "virtual")),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        sa.CheckConstraint("(actual_outcome IS NULL) = (resolved_at IS NULL)", name="resolved_at"),
        sa.CheckConstraint("(actual_outcome IS NULL) = (outcome_source IS NULL)", name="resolved_by"),
        sa.Index("idx_signals_model_version", "model_version"),
        sa.Index("ix_trading_signals_trace_id", "trace_id"),
        sa.Index("ix_trading_signals_resolved_at", "resolved_at"),
    )


def _personal() -> None:
    op.create_table(
        "personal_data",
        sa.Column("user_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
        sa.Column("wallet", sa.Text, unique=True),
        sa.Column("email", sa.Text, unique=True),
        sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
        sa.Column("updated_at", UtcTime, nullable=False, server_default=utc_now()),
        sa.CheckConstraint("wallet IS NOT NULL OR email IS NOT NULL", name="somebody"),
    )
