"""Tables of the live loop: the market as it was seen, what users traded on signals, and what took effect when."""

import sqlalchemy as sa

from pawl.ledger.column_types import CanonicalJson, UtcTime, new_uuid, utc_now
from pawl.ledger.metadata import METADATA, is_one_of
from pawl.ledger.number_types import Real

__all__ = ["LIVE_KINDS", "live_log", "market_data", "trade_marks", "user_trading_history"]

LIVE_KINDS = ("received", "cycle", "training", "evaluation", "act")

market_data = sa.Table(
    "market_data",
    METADATA,
    sa.Column("pair", sa.Text, primary_key=True),
    sa.Column("timeframe", sa.Text, primary_key=True),
    sa.Column("timestamp", UtcTime, primary_key=True),
    sa.Column("open", Real, nullable=False),
    sa.Column("high", Real, nullable=False),
    sa.Column("low", Real, nullable=False),
    sa.Column("close", Real, nullable=False),
    sa.Column("volume", Real, nullable=False),
    sa.Column("indicators", CanonicalJson, nullable=False),
    sa.Column("closed_at", UtcTime, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("ingested_at", UtcTime, nullable=False),
    sa.Column("feature_set", sa.Text, nullable=False),
    sa.Column("features_hash", sa.Text, nullable=False),
    sa.CheckConstraint("ingested_at >= closed_at", name="closed"),
    sa.Index("ix_market_data_closed_at", "closed_at"),
)
"""Append-only: a bar and the features of its close, as they were first seen. timestamp: its open time. indicators: name
→ value of the `feature_set`, null where a ticker had too few bars. features_hash: SHA-256 of those."""

user_trading_history = sa.Table(
    "user_trading_history",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("pair", sa.Text, nullable=False),
    sa.Column("opened_at", UtcTime, nullable=False),
    sa.Column("closed_at", UtcTime),
    sa.Column("entry", Real, nullable=False),
    sa.Column("exit", Real),
    sa.Column("pnl", Real),
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
"""What users really traded. exit, pnl: NULL while the trade is open. pnl: of the whole trade after its costs, in units
of the price for each unit traded. signal_id: the signal it followed; NULL where it followed none."""

trade_marks = sa.Table(
    "trade_marks",
    METADATA,
    sa.Column("learner", sa.Text, primary_key=True),
    sa.Column("chain_month", sa.String(7), primary_key=True),
    sa.Column("chain_number", sa.BigInteger, nullable=False),
)
"""How far the loop of a learner has read the events of users' actions: the place, in each month's chain, of the last
that it has made its trades of."""

live_log = sa.Table(
    "live_log",
    METADATA,
    sa.Column("entry_id", sa.Uuid, primary_key=True),
    sa.Column("learner", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("payload", CanonicalJson, nullable=False),
    is_one_of("kind", LIVE_KINDS),
    sa.UniqueConstraint("learner", "at", "kind", "name", "key"),
    sa.Index("ix_live_log_at", "at"),
    # Of pages that were received there are thousands a day, of trainings a few.
    sa.Index(
        "ix_live_log_trainings",
        "learner",
        "kind",
        "at",
        sqlite_where=sa.text("kind = 'training'"),
        postgresql_where=sa.text("kind = 'training'"),
    ),
)
"""Append-only: all that a run of the loop followed from and that it brought about, by the virtual instant at which it
took effect, so that it can be played again. key: tells entries of one name and instant apart, as the ticker of a page
that was received; empty where there is one."""
