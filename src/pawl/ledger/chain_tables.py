"""The heads of the hash chains, and the columns by which a row hangs on its chain."""

import sqlalchemy as sa

from pawl.ledger.metadata import METADATA

__all__ = ["CHAIN_COLUMNS", "chain_columns", "chain_heads"]

CHAIN_COLUMNS = ("chain_month", "chain_number", "prev_hash", "row_hash")


def chain_columns(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    """Fresh columns for a chained table, and the index that lets no two rows take the same place.

    chain_month: UTC month of the row, YYYY-MM. chain_number: its place in that month, from 1. prev_hash, row_hash: 64
    hex digits. All four are NULL on a row that was never sealed, which `pawl ledger verify` names. A
    trigger refuses a row whose prev_hash is not the hash at the place before: so no two rows follow the same one.
    """
    return (
        sa.Column("chain_month", sa.String(7)),
        sa.Column("chain_number", sa.BigInteger),
        sa.Column("prev_hash", sa.String(64)),
        sa.Column("row_hash", sa.String(64)),
        sa.Index(f"uq_{table}_place", "chain_month", "chain_number", unique=True),
    )


chain_heads = sa.Table(
    "chain_heads",
    METADATA,
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("chain_month", sa.String(7), primary_key=True),
    sa.Column("n_rows", sa.BigInteger, nullable=False),
    sa.Column("head_hash", sa.String(64), nullable=False),
    sa.CheckConstraint("n_rows >= 0", name="n_rows"),
)
"""One row a partition: how many rows its chain has, and the hash of the last. A writer locks it before it appends."""
