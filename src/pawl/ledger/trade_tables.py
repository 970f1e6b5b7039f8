"""Tables of what users did with recommendations: signals they follow, trades they opened, and what came of those.

Signals and trades are found by their keys, which the events of a trace name: every index more is a page more that a
decision has to write.
"""

import sqlalchemy as sa

from pawl.ledger.chain_tables import chain_columns
from pawl.ledger.column_types import CanonicalJson, UtcTime, new_uuid, utc_now
from pawl.ledger.metadata import METADATA, is_one_of
from pawl.ledger.number_types import Real

__all__ = [
    "DIRECTIONS",
    "SIDES",
    "SIGNAL_STATES",
    "TRADE_STATES",
    "pnl_entries",
    "quick_trades",
    "tracked_signals",
]

DIRECTIONS = ("long", "short", "flat")
SIDES = ("long", "short")
SIGNAL_STATES = ("tracked", "converted")
TRADE_STATES = ("open", "closed")

tracked_signals = sa.Table(
    "tracked_signals",
    METADATA,
    sa.Column("signal_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("trace_id", sa.Text, nullable=False),
    sa.Column("inference_id", sa.Uuid),
    sa.Column("ticker", sa.Text, nullable=False),
    sa.Column("direction", sa.Text, nullable=False),
    sa.Column("confidence", Real),
    sa.Column("plan", CanonicalJson, nullable=False),
    sa.Column("rationale_hash", sa.Text),
    sa.Column("status", sa.Text, nullable=False, server_default="tracked"),
    sa.Column("tracked_at", UtcTime, nullable=False),
    sa.Column("converted_at", UtcTime),
    sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
    is_one_of("direction", DIRECTIONS),
    is_one_of("status", SIGNAL_STATES),
    sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
    sa.CheckConstraint("(converted_at IS NULL) = (status = 'tracked')", name="converted_at"),
)
"""plan: entry, stop and targets as they were recommended. rationale_hash: SHA-256 of the normalised rationale."""

quick_trades = sa.Table(
    "quick_trades",
    METADATA,
    sa.Column("trade_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("trace_id", sa.Text, nullable=False),
    sa.Column("inference_id", sa.Uuid),
    sa.Column("signal_id", sa.Uuid, sa.ForeignKey("tracked_signals.signal_id")),
    sa.Column("ticker", sa.Text, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("size", Real, nullable=False),
    sa.Column("leverage", Real, nullable=False, server_default="1"),
    sa.Column("decision_price", Real),
    sa.Column("entry_price", Real, nullable=False),
    sa.Column("stop_price", Real),
    sa.Column("target_price", Real),
    sa.Column("is_followed", sa.Boolean),
    sa.Column("status", sa.Text, nullable=False, server_default="open"),
    sa.Column("opened_at", UtcTime, nullable=False),
    sa.Column("closed_at", UtcTime),
    sa.Column("exit_price", Real),
    sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
    is_one_of("side", SIDES),
    is_one_of("status", TRADE_STATES),
    sa.CheckConstraint("size > 0 AND leverage > 0 AND entry_price > 0", name="positive"),
    sa.CheckConstraint("(closed_at IS NULL) = (status = 'open')", name="closed_at"),
    sa.CheckConstraint("(exit_price IS NULL) = (status = 'open')", name="exit_price"),
    sa.CheckConstraint("opened_at <= closed_at", name="times"),
)
"""size: entry notional in the quote currency. decision_price: what the recommendation was made at. is_followed: whether
the user did what was recommended; NULL where nothing was."""

pnl_entries = sa.Table(
    "pnl_entries",
    METADATA,
    sa.Column("entry_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("trace_id", sa.Text, nullable=False),
    sa.Column("trade_id", sa.Uuid, sa.ForeignKey("quick_trades.trade_id"), nullable=False),
    sa.Column("is_final", sa.Boolean, nullable=False),
    sa.Column("pnl", Real, nullable=False),
    sa.Column("pnl_bps", Real, nullable=False),
    sa.Column("max_drawdown_bps", Real),
    sa.Column("hold_sec", sa.Integer),
    sa.Column("slippage_bps", Real),
    sa.Column("occurred_at", UtcTime, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
    *chain_columns("pnl_entries"),
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
"""Append-only: what was booked stays booked. pnl: after fees, in the quote currency; pnl_bps: of entry notional.
is_final: the one entry that closes the trade and carries its outcome whole; a part closed or funding comes before."""
