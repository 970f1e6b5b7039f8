"""Hash chains over what may never change, triggers that keep it so, and the tables of the service around the ledger."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

from pawl.errors import RefusalError
from pawl.ledger.chain import CHAINS, Chain, Head, genesis, month_of, sealed_rows
from pawl.ledger.chain_tables import CHAIN_COLUMNS
from pawl.ledger.column_types import CanonicalJson, UtcTime, new_uuid, utc_now
from pawl.ledger.driver_sql import driver_value, run_text
from pawl.ledger.metadata import is_one_of
from pawl.ledger.migrations.append_only import (
    allow_changes,
    allow_where,
    refuse_changes,
    refuse_columns,
    refuse_deletes,
    refuse_where,
)  # fmt: skip

__all__ = ["downgrade", "upgrade"]

revision = "r0003"
down_revision = "r0002"

CHAINED = (
    "passport_event_outbox",
    "model_inference_logs",
    "decision_trajectories",
    "pnl_entries",
    "ml_eval_reports",
)
WHOLLY_REFUSED = ("model_inference_logs", "pnl_entries", "ml_eval_reports")
PARTLY_REFUSED = {
    "passport_event_outbox": (
        "event_id", "user_id", "trace_id", "inference_id", "source_table", "source_event_id", "event_type", "payload",
        "occurred_at", "recorded_at", *CHAIN_COLUMNS,
    ),
    "decision_trajectories": (
        "trajectory_id", "user_id", "trace_id", "source_event_id", "inference_id", "context_features", "created_at",
        "learner", *CHAIN_COLUMNS,
    ),
    "tracked_signals": (
        "signal_id", "user_id", "trace_id", "inference_id", "ticker", "direction", "confidence", "plan",
        "rationale_hash", "tracked_at", "created_at",
    ),
    "quick_trades": (
        "trade_id", "user_id", "trace_id", "inference_id", "signal_id", "ticker", "side", "size", "leverage",
        "decision_price", "entry_price", "is_followed", "opened_at", "created_at",
    ),
}  # fmt: skip
IS_LABELLED = "NEW.label_quality IN ('good', 'bad', 'ambiguous')"  # another text is left to the CHECK, which names it
IS_LABELLED_EARLY = {
    "sqlite": f"{IS_LABELLED} AND coalesce(json_type(NEW.outcome_features), '') <> 'object'",
    "postgresql": f"{IS_LABELLED} AND coalesce(jsonb_typeof(NEW.outcome_features), '') <> 'object'",
}
IS_DECISION_CHANGED = {
    "sqlite": "json_remove(NEW.decision_features, '$.action') <> json_remove(OLD.decision_features, '$.action')",
    "postgresql": "NEW.decision_features - 'action' <> OLD.decision_features - 'action'",
}
TRAJECTORY_TRIGGERS = (
    "decision_trajectories_label_insert",
    "decision_trajectories_label_update",
    "decision_trajectories_decision",
)
SERVICE = (
    "api_tokens",
    "dead_letters",
    "schedule_runs",
    "worker_heartbeats",
    "user_reports",
    "corpus_documents",
)
ROWS_AT_ONCE = 2_000


def upgrade() -> None:
    """Add the columns, seal the rows that stand in the order they were made, and make the tables and triggers."""
    tx = op.get_bind()
    op.add_column("passport_event_outbox", sa.Column("next_attempt_at", UtcTime))
    op.create_table(
        "chain_heads",
        sa.Column("table_name", sa.Text, primary_key=True),
        sa.Column("chain_month", sa.String(7), primary_key=True),
        sa.Column("n_rows", sa.BigInteger, nullable=False),
        sa.Column("head_hash", sa.String(64), nullable=False),
        sa.CheckConstraint("n_rows >= 0", name="n_rows"),
    )
    allow_changes(tx, ("model_inference_logs", "pnl_entries", "ml_eval_reports"))
    for table in CHAINED:
        op.add_column(table, sa.Column("chain_month", sa.String(7)))
        op.add_column(table, sa.Column("chain_number", sa.BigInteger))
        op.add_column(table, sa.Column("prev_hash", sa.String(64)))
        op.add_column(table, sa.Column("row_hash", sa.String(64)))
        _seal_standing(tx, CHAINS[table])
        op.create_index(f"uq_{table}_prev_hash", table, ["prev_hash"], unique=True)
    _service_tables()
    refuse_changes(tx, (*WHOLLY_REFUSED, "corpus_documents"))
    for table, columns in PARTLY_REFUSED.items():
        refuse_columns(tx, table, columns)
        refuse_deletes(tx, table)
    _trajectory_rules(tx)


def downgrade() -> None:
    """Take chains and tables away. RefusalError while a table of the service holds rows."""
    tx = op.get_bind()
    for table in SERVICE:
        if tx.execute(sa.text(f"SELECT EXISTS (SELECT 1 FROM {table})")).scalar_one():
            raise RefusalError(
                f"`{table}` holds rows that revision r0002 has no table for",
                where="ledger",
                fix="keep this revision, or export the rows and empty the table first",
            )
    allow_changes(tx, (*WHOLLY_REFUSED, "corpus_documents", *PARTLY_REFUSED))
    allow_where(tx, "decision_trajectories", TRAJECTORY_TRIGGERS)
    for table in SERVICE:
        op.drop_table(table)
    for table in CHAINED:
        op.drop_index(f"uq_{table}_prev_hash", table)
        for column in CHAIN_COLUMNS:
            op.drop_column(table, column)
    op.drop_column("passport_event_outbox", "next_attempt_at")
    op.drop_table("chain_heads")
    refuse_changes(tx, WHOLLY_REFUSED)


def _trajectory_rules(tx: sa.Connection) -> None:
    early, changed = IS_LABELLED_EARLY[tx.dialect.name], IS_DECISION_CHANGED[tx.dialect.name]
    on_insert, on_update, decision = TRAJECTORY_TRIGGERS
    because = "a label leaves pending with an outcome only"
    refuse_where(tx, on_insert, "INSERT ON decision_trajectories", early, because)
    refuse_where(tx, on_update, "UPDATE OF label_quality, outcome_features ON decision_trajectories", early, because)
    because = "of decision_features only the action may change"
    refuse_where(tx, decision, "UPDATE OF decision_features ON decision_trajectories", changed, because)


def _seal_standing(tx: sa.Connection, chain: Chain) -> None:
    c = chain.table.c
    # The whole order is made before the first row comes, so that what is written meanwhile does not disturb it.
    standing = sa.select(*(c[name] for name in chain.columns)).order_by(c[chain.dated_by], c[chain.key])
    links = f"UPDATE {chain.table.name} SET {', '.join(f'{name} = ?' for name in CHAIN_COLUMNS)} WHERE {chain.key} = ?"
    heads: dict[str, Head] = {}
    with tx.execute(standing.execution_options(yield_per=ROWS_AT_ONCE)) as rows:
        for some in rows.mappings().partitions():
            sealed = [_sealed(chain, heads, row) for row in some]
            key = [driver_value(tx.dialect, c[chain.key], row[chain.key]) for row in some]
            run_text(tx, links, [(*one, its) for one, its in zip(sealed, key, strict=True)])
    _write_heads(tx, chain.table.name, heads.items())


def _sealed(chain: Chain, heads: dict[str, Head], row: sa.RowMapping) -> tuple[Any, ...]:
    month = month_of(row[chain.dated_by])
    head = heads.get(month, Head(0, genesis(chain.table.name, month)))
    (sealed,), heads[month] = sealed_rows(chain, month, head, [dict(row)])
    return tuple(sealed[name] for name in CHAIN_COLUMNS)


def _write_heads(tx: sa.Connection, table: str, heads: Iterable[tuple[str, Head]]) -> None:
    insert = sa.text(
        "INSERT INTO chain_heads (table_name, chain_month, n_rows, head_hash) VALUES (:table, :month, :n, :hash)"
    )
    for month, head in heads:
        tx.execute(insert, {"table": table, "month": month, "n": head.number, "hash": head.hash})


def _service_tables() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("token_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
        sa.Column("revoked_at", UtcTime),
        sa.CheckConstraint("name <> ''", name="name"),
        sa.Index("ix_api_tokens_user_id", "user_id"),
    )
    op.create_table(
        "dead_letters",
        sa.Column("letter_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
        sa.Column("worker", sa.Text, nullable=False),
        sa.Column("item_id", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default="parked"),
        sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
        sa.Column("updated_at", UtcTime, nullable=False, server_default=utc_now()),
        sa.UniqueConstraint("worker", "item_id"),
        is_one_of("status", ("parked", "retried")),
        sa.CheckConstraint("attempts >= 1", name="attempts"),
        sa.Index("ix_dead_letters_status", "status"),
    )
    op.create_table(
        "schedule_runs",
        sa.Column("schedule", sa.Text, primary_key=True),
        sa.Column("due_at", UtcTime, primary_key=True),
        sa.Column("started_at", UtcTime, nullable=False),
    )
    op.create_table(
        "worker_heartbeats",
        sa.Column("executor_id", sa.Text, primary_key=True),
        sa.Column("beat_at", UtcTime, nullable=False),
    )
    op.create_table(
        "user_reports",
        sa.Column("report_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("request", CanonicalJson, nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default="queued"),
        sa.Column("content", CanonicalJson),
        sa.Column("error", sa.Text),
        sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
        sa.Column("finished_at", UtcTime),
        is_one_of("status", ("queued", "running", "failed", "succeeded")),
        sa.CheckConstraint("(finished_at IS NULL) = (status IN ('queued', 'running'))", name="finished_at"),
        sa.CheckConstraint("(content IS NULL) = (status <> 'succeeded')", name="content"),
        sa.Index("ix_user_reports_user_id_created_at", "user_id", "created_at"),
        sa.Index("ix_user_reports_status", "status"),
    )
    op.create_table(
        "corpus_documents",
        sa.Column("document_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("licence", sa.Text, nullable=False),
        sa.Column("licence_checked_at", UtcTime, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
        sa.CheckConstraint("source <> '' AND licence <> '' AND content <> ''", name="recorded"),
    )
