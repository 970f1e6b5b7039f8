"""Getting around the triggers of a ledger, as somebody with the file or the password could."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

__all__ = ["tamper"]


def tamper(tx: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool], values: Mapping[str, Any] | None) -> int:
    """Change rows of a table, or delete them where `values` is None, whatever its triggers say; how many."""
    if tx.dialect.name == "postgresql":
        tx.execute(sa.text(f"ALTER TABLE {table.name} DISABLE TRIGGER ALL"))
    else:
        found = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
        for name in tx.execute(found, {"table": table.name}).scalars().all():
            tx.execute(sa.text(f"DROP TRIGGER {name}"))
    change = sa.delete(table).where(where) if values is None else sa.update(table).where(where).values(**values)
    return int(tx.execute(change).rowcount)
