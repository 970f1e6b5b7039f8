"""The table of `reversal`'s signals: what a version said of a closed bar, and what came of it."""

import sqlalchemy as sa

from pawl.ledger.column_types import UtcTime, new_uuid, utc_now
from pawl.ledger.metadata import METADATA, is_one_of
from pawl.ledger.number_types import Real

__all__ = ["ACTUAL_OUTCOMES", "IS_OPEN", "OUTCOME_SOURCES", "SIGNALS", "trading_signals"]

SIGNALS = ("buy", "sell", "hold")
ACTUAL_OUTCOMES = ("win", "loss", "breakeven", "expired")
OUTCOME_SOURCES = ("real", "virtual")
IS_OPEN = "signal <> 'hold' AND (actual_outcome IS NULL OR virtual_outcome IS NULL)"
"""As the index of what is open has it, word for word."""

trading_signals = sa.Table(
    "trading_signals",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("pair", sa.Text, nullable=False),
    sa.Column("timeframe", sa.Text, nullable=False),
    sa.Column("signal", sa.Text, nullable=False),
    sa.Column("confidence", Real, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.Column("updated_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.Column("actual_outcome", sa.Text),
    sa.Column("actual_pnl", Real),
    sa.Column("actual_pnl_percent", Real),
    sa.Column("model_version", sa.String(50), sa.ForeignKey("model_versions.version"), nullable=False),
    sa.Column("ab_test_id", sa.Uuid, sa.ForeignKey("model_ab_test.id")),
    sa.Column("bar_timestamp", UtcTime, nullable=False),
    sa.Column("features_hash", sa.Text, nullable=False),
    sa.Column("resolved_at", UtcTime),
    sa.Column("outcome_source", sa.Text),
    sa.Column("learner", sa.Text, nullable=False),
    sa.Column("trace_id", sa.Text, nullable=False),
    sa.Column("inference_id", sa.Uuid, sa.ForeignKey("model_inference_logs.inference_id")),
    sa.Column("is_shadow", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("entry_price", Real),
    sa.Column("atr", Real),
    sa.Column("virtual_outcome", sa.Text),
    sa.Column("virtual_pnl", Real),
    sa.Column("virtual_at", UtcTime),
    sa.UniqueConstraint("pair", "timeframe", "bar_timestamp", "model_version"),
    is_one_of("signal", SIGNALS),
    is_one_of("actual_outcome", ACTUAL_OUTCOMES),
    is_one_of("outcome_source", OUTCOME_SOURCES),
    sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
    sa.CheckConstraint("(actual_outcome IS NULL) = (resolved_at IS NULL)", name="resolved_at"),
    sa.CheckConstraint("(actual_outcome IS NULL) = (outcome_source IS NULL)", name="resolved_by"),
    sa.Index("idx_signals_model_version", "model_version"),
    sa.Index("ix_trading_signals_trace_id", "trace_id"),
    sa.Index("ix_trading_signals_resolved_at", "resolved_at"),
    sa.Index("ix_trading_signals_virtual_at", "virtual_at"),
    sa.Index("ix_trading_signals_created_at", "learner", "created_at"),
    sa.Index(
        "ix_trading_signals_open",
        "learner",
        sqlite_where=sa.text(IS_OPEN),
        postgresql_where=sa.text(IS_OPEN),
    ),
)
"""bar_timestamp: open time of the last bar that had closed; a version says one thing of a bar. outcome_source: `real`
from a trade, `virtual` from the bars where nobody traded; what a signal brought is said once. is_shadow: of a version
that decided beside the one that acts. entry_price, atr: the close of the bar and its ATR, which stop and target follow
from. virtual_outcome, virtual_pnl, virtual_at: what the bars say, traded or not, and since when: on it versions are
compared, for what a user makes of a signal is not its version's doing."""
