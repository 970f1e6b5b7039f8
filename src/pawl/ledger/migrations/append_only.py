"""Triggers that refuse to change or delete a row, or certain columns of it, on SQLite and PostgreSQL."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

__all__ = [
    "allow_changes",
    "allow_forks",
    "allow_where",
    "refuse_changes",
    "refuse_columns",
    "refuse_deletes",
    "refuse_forks",
    "refuse_where",
]

REFUSE_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$
"""
REFUSE_ROW_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: %', TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END
$$
"""
IS_FORK = (
    "NEW.chain_number <> 1 AND NOT EXISTS (SELECT 1 FROM {table} AS before WHERE before.chain_month = NEW.chain_month "
    "AND before.chain_number = NEW.chain_number - 1 AND before.row_hash = NEW.prev_hash)"
)
FORK_FUNCTION = """
CREATE FUNCTION {table}_no_fork() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF {is_fork} THEN
        RAISE EXCEPTION '{because}' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$
"""
SUFFIXES = ("no_update", "no_delete", "no_change", "no_truncate")


def refuse_changes(connection: sa.Connection, tables: Iterable[str]) -> None:
    """Make the tables append-only, whoever writes to them."""
    for table in tables:
        _refuse(connection, table, "UPDATE OR DELETE", "no_change")


def refuse_columns(connection: sa.Connection, table: str, columns: Sequence[str]) -> None:
    """Refuse every update that names one of the columns, even to what it holds."""
    _refuse(connection, table, f"UPDATE OF {', '.join(columns)}", "no_update")


def refuse_deletes(connection: sa.Connection, table: str) -> None:
    """Refuse to take a row away."""
    _refuse(connection, table, "DELETE", "no_delete")


def refuse_where(connection: sa.Connection, trigger: str, event: str, condition: str, because: str) -> None:
    """Refuse the rows of an event for which the condition holds. trigger: its name, which begins with the table's.

    event: as `UPDATE OF label ON table`. condition: in the SQL of this database, on NEW and OLD. because: no quotes.
    """
    table = event.rpartition(" ")[2]
    if connection.dialect.name == "sqlite":
        raised = f"BEGIN SELECT RAISE(ABORT, '{table}: {because}'); END"
        connection.execute(sa.text(f"CREATE TRIGGER {trigger} BEFORE {event} WHEN {condition} {raised}"))
        return
    connection.execute(sa.text(REFUSE_ROW_FUNCTION))
    raised = f"FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION refuse_row('{because}')"
    connection.execute(sa.text(f"CREATE TRIGGER {trigger} BEFORE {event} {raised}"))


def refuse_forks(connection: sa.Connection, tables: Iterable[str]) -> None:
    """Refuse a row that does not follow the one before it in its chain; the first of a month follows none."""
    for table in tables:
        is_fork = IS_FORK.format(table=table)
        because = f"{table}: a row follows the one before it in its chain"
        event = f"CREATE TRIGGER {table}_no_fork BEFORE INSERT ON {table} FOR EACH ROW"
        if connection.dialect.name == "sqlite":
            raised = f"BEGIN SELECT RAISE(ABORT, '{because}'); END"
            connection.execute(sa.text(f"{event} WHEN {is_fork} {raised}"))
            continue
        connection.execute(sa.text(FORK_FUNCTION.format(table=table, is_fork=is_fork, because=because)))
        connection.execute(sa.text(f"{event} EXECUTE FUNCTION {table}_no_fork()"))


def allow_forks(connection: sa.Connection, tables: Iterable[str]) -> None:
    """Take the triggers of `refuse_forks` away."""
    for table in tables:
        allow_where(connection, table, (f"{table}_no_fork",))
        if connection.dialect.name != "sqlite":
            connection.execute(sa.text(f"DROP FUNCTION {table}_no_fork()"))


def allow_changes(connection: sa.Connection, tables: Iterable[str]) -> None:
    """Take the triggers away that the others here made."""
    is_sqlite = connection.dialect.name == "sqlite"
    for table in tables:
        for suffix in SUFFIXES:
            on = "" if is_sqlite else f" ON {table}"
            connection.execute(sa.text(f"DROP TRIGGER IF EXISTS {table}_{suffix}{on}"))


def allow_where(connection: sa.Connection, table: str, triggers: Iterable[str]) -> None:
    """Take triggers of `refuse_where` away."""
    on = "" if connection.dialect.name == "sqlite" else f" ON {table}"
    for trigger in triggers:
        connection.execute(sa.text(f"DROP TRIGGER {trigger}{on}"))


def _refuse(connection: sa.Connection, table: str, change: str, name: str) -> None:
    if connection.dialect.name == "sqlite":
        statements = _on_sqlite(table, change)
    else:
        connection.execute(sa.text(REFUSE_FUNCTION))
        statements = _on_postgresql(table, change, name)
    for statement in statements:
        connection.execute(sa.text(statement))


def _on_sqlite(table: str, change: str) -> list[str]:
    return [
        f"CREATE TRIGGER {table}_no_{one.split()[0].lower()} BEFORE {one} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for one in change.split(" OR ")
    ]


def _on_postgresql(table: str, change: str, name: str) -> list[str]:
    row = f"CREATE TRIGGER {table}_{name} BEFORE {change} ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    truncate = (
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    return [row, truncate] if "DELETE" in change else [row]
