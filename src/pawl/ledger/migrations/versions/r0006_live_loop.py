"""The tables of the live loop, and what a signal must carry for its outcome to be found."""

import sqlalchemy as sa
from alembic import op

from pawl.errors import RefusalError
from pawl.ledger.column_types import CanonicalJson, UtcTime, new_uuid, utc_now
from pawl.ledger.metadata import is_one_of
from pawl.ledger.migrations.append_only import allow_changes, allow_where, refuse_changes, refuse_where

__all__ = ["downgrade", "upgrade"]

revision = "r0006"
down_revision = "r0005"

TABLES = ("market_data", "user_trading_history", "live_log")
WHOLLY_REFUSED = ("market_data", "live_log")
OUTCOME_TRIGGER = "trading_signals_outcome"
OPEN = "actual_outcome IS NULL AND signal <> 'hold'"


def upgrade() -> None:
    """Make the tables, and give signals their columns; signals that stand keep what they say."""
    _market_data()
    _trades()
    _log()
    op.add_column("trading_signals", sa.Column("is_shadow", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("trading_signals", sa.Column("entry_price", sa.Double))
    op.add_column("trading_signals", sa.Column("atr", sa.Double))
    op.create_index("ix_trading_signals_created_at", "trading_signals", ["learner", "created_at"])
    op.create_index(
        "ix_trading_signals_open",
        "trading_signals",
        ["learner"],
        sqlite_where=sa.text(OPEN),
        postgresql_where=sa.text(OPEN),
    )
    tx = op.get_bind()
    refuse_changes(tx, WHOLLY_REFUSED)
    columns = "actual_outcome, actual_pnl, actual_pnl_percent, resolved_at, outcome_source"
    # What a trade brought is better than what the bars say, and stays; NULL is not TRUE, so what is open may be said.
    is_taken_back = "OLD.outcome_source = 'real' OR (OLD.outcome_source = 'virtual' AND NEW.outcome_source <> 'real')"
    refuse_where(
        tx,
        OUTCOME_TRIGGER,
        f"UPDATE OF {columns} ON trading_signals",
        is_taken_back,
        "an outcome stays, but for a virtual one that gives way to a real one",
    )


def downgrade() -> None:
    """Drop them. RefusalError while a table holds a row, or a signal says the revision before has no column for."""
    tx = op.get_bind()
    asked = [f"SELECT EXISTS (SELECT 1 FROM {table})" for table in TABLES]
    asked.append("SELECT EXISTS (SELECT 1 FROM trading_signals WHERE is_shadow OR entry_price IS NOT NULL)")
    for table, question in zip((*TABLES, "trading_signals"), asked, strict=True):
        if tx.execute(sa.text(question)).scalar_one():
            raise RefusalError(
                f"`{table}` holds rows that the revision before has no place for",
                where="ledger",
                fix="keep this revision, or export the rows and empty the table first",
            )
    allow_where(tx, "trading_signals", [OUTCOME_TRIGGER])
    allow_changes(tx, WHOLLY_REFUSED)
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_index("ix_trading_signals_open", "trading_signals")
    op.drop_index("ix_trading_signals_created_at", "trading_signals")
    for column in ("atr", "entry_price", "is_shadow"):
        op.drop_column("trading_signals", column)


def _market_data() -> None:
    op.create_table(
        "market_data",
        sa.Column("pair", sa.Text, primary_key=True),
        sa.Column("timeframe", sa.Text, primary_key=True),
        sa.Column("timestamp", UtcTime, primary_key=True),
        sa.Column("open", sa.Double, nullable=False),
        sa.Column("high", sa.Double, nullable=False),
        sa.Column("low", sa.Double, nullable=False),
        sa.Column("close", sa.Double, nullable=False),
        sa.Column("volume", sa.Double, nullable=False),
        sa.Column("indicators", CanonicalJson, nullable=False),
        sa.Column("closed_at", UtcTime, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("ingested_at", UtcTime, nullable=False),
        sa.Column("feature_set", sa.Text, nullable=False),
        sa.Column("features_hash", sa.Text, nullable=False),
        sa.CheckConstraint("ingested_at >= closed_at", name="closed"),
        sa.Index("ix_market_data_closed_at", "closed_at"),
    )


def _trades() -> None:
    op.create_table(
        "user_trading_history",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=new_uuid()),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("pair", sa.Text, nullable=False),
        sa.Column("opened_at", UtcTime, nullable=False),
        sa.Column("closed_at", UtcTime),
        sa.Column("entry", sa.Double, nullable=False),
        sa.Column("exit", sa.Double),
        sa.Column("pnl", sa.Double),
        sa.Column("signal_id", sa.Uuid, sa.ForeignKey("trading_signals.id")),
        sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
        sa.CheckConstraint("entry > 0 AND exit > 0", name="positive"),
        sa.CheckConstraint("(closed_at IS NULL) = (exit IS NULL)", name="exit"),
        sa.CheckConstraint("(closed_at IS NULL) = (pnl IS NULL)", name="pnl"),
        sa.CheckConstraint("opened_at <= closed_at", name="times"),
        sa.Index("ix_user_trading_history_signal_id", "signal_id"),
        sa.Index("ix_user_trading_history_closed_at", "closed_at"),
        sa.Index("ix_user_trading_history_user_id_opened_at", "user_id", "opened_at"),
    )


def _log() -> None:
    op.create_table(
        "live_log",
        sa.Column("entry_id", sa.Uuid, primary_key=True),
        sa.Column("learner", sa.Text, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("payload", CanonicalJson, nullable=False),
        is_one_of("kind", ("received", "cycle", "training", "evaluation", "act")),
        sa.UniqueConstraint("learner", "at", "kind", "name", "key"),
        sa.Index("ix_live_log_at", "at"),
    )
