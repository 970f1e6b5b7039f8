"""Triggers that refuse to change or delete a row, on SQLite and PostgreSQL."""

from collections.abc import Iterable

import sqlalchemy as sa

__all__ = ["refuse_changes"]

REFUSE_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$
"""


def refuse_changes(connection: sa.Connection, tables: Iterable[str]) -> None:
    """Make the tables append-only, whoever writes to them."""
    is_sqlite = connection.dialect.name == "sqlite"
    if not is_sqlite:
        connection.execute(sa.text(REFUSE_FUNCTION))
    for table in tables:
        for statement in _on_sqlite(table) if is_sqlite else _on_postgresql(table):
            connection.execute(sa.text(statement))


def _on_sqlite(table: str) -> list[str]:
    return [
        f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for change in ("UPDATE", "DELETE")
    ]


def _on_postgresql(table: str) -> list[str]:
    return [
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    ]
