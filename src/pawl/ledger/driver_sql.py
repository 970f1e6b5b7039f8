"""Statements that are made once and handed to the driver as text: rows by their table, a hundred times a second.

SQLAlchemy takes 0.1 to 0.2 ms to look a statement up again, several times an append. The values go through the same
column types, so what is stored is the same to the byte.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from pawl.errors import InputError
from pawl.ledger.column_types import UtcTime, utc_text

__all__ = [
    "UNREADABLE",
    "Ran",
    "driver_value",
    "insert_rows",
    "insert_text",
    "raised_as_usual",
    "row_reader",
    "row_values",
    "run_text",
    "standing_keys",
    "stream_text",
]

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, InputError)
"""What reading a value raises that no writer of Pawl's could have stored."""

ROWS_AT_ONCE = 2_000
FLOAT8 = 701  # PostgreSQL's number of the type; only a column of figures asks, and those that are read so are doubles
Processor = Callable[[Any], Any] | None


class Ran(Protocol):
    """What a statement gave: a cursor, as DB-API has it."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...  # noqa: ANN401 - a row of the driver
    def __iter__(self) -> Iterator[Any]: ...


def run_text(tx: sa.Connection, text: str, values: Sequence[Any]) -> Ran:
    """Run a statement whose places are `?` on both databases. values: as the driver takes them, or a list of such.

    On SQLite straight through the driver, within the transaction of `tx`: SQLAlchemy's own way takes longer than the
    statement. What the driver raises is raised as SQLAlchemy would.
    """
    if tx.dialect.name == "postgresql":
        return tx.exec_driver_sql(_placed(text, tx.dialect.name), values)
    cursor = _sqlite(tx).cursor()
    with raised_as_usual(tx.dialect, sqlite3.Error, text):
        return cursor.executemany(text, values) if isinstance(values, list) else cursor.execute(text, values)


@contextmanager
def raised_as_usual(dialect: Dialect, base: type[Exception], text: str) -> Iterator[None]:
    """What the driver raises inside is raised as SQLAlchemy would. base: of its errors. text: the statement."""
    try:
        yield
    except base as error:
        raise sa.exc.DBAPIError.instance(text, None, error, base, hide_parameters=True, dialect=dialect) from error


def _sqlite(tx: sa.Connection) -> sqlite3.Connection:
    driver = tx.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def insert_rows(tx: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns; what no row names gets the default of its column."""
    columns = tuple(rows[0])
    values = row_values(tx.dialect, table, columns)
    run_text(tx, insert_text(tx.dialect, table, columns), [values(one) for one in rows])


@lru_cache(maxsize=64)
def row_values(
    dialect: Dialect, table: sa.Table, columns: tuple[str, ...]
) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Gives the values of a row as the driver takes them, in the order of the columns."""
    processors = [(name, _processor(dialect, table.c[name])) for name in columns]
    return lambda row: tuple([row[name] if how is None else how(row[name]) for name, how in processors])


def standing_keys(tx: sa.Connection, key: sa.Column[Any], keys: Collection[Any]) -> list[Any]:
    """Those of the keys that stand in the table, as its column gives them; at most a few hundred keys."""
    if not keys:
        return []
    values = [driver_value(tx.dialect, key, one) for one in keys]
    found = f"SELECT {key.name} FROM {key.table} WHERE {key.name}"
    if tx.dialect.name == "postgresql":
        rows = run_text(tx, f"{found} = ANY(?)", (values,))
    else:
        rows = run_text(tx, f"{found} IN ({', '.join('?' * len(values))})", tuple(values))
    read = _reader(tx.dialect, key)
    return [_processed(value, read) for (value,) in rows]


def stream_text(tx: sa.Connection, text: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
    """The rows of a question as the driver gives them, a few thousand in memory at a time."""
    streaming = {"yield_per": ROWS_AT_ONCE, "stream_results": True}
    # Closed even where the reader stops early: on PostgreSQL it is a cursor of the server.
    placed = _placed(text, tx.dialect.name)
    with tx.exec_driver_sql(placed, tuple(values), execution_options=streaming) as rows:
        for row in rows:
            yield tuple(row)


def row_reader(dialect: Dialect, table: sa.Table, columns: Sequence[str]) -> Callable[[Sequence[Any]], dict[str, Any]]:
    """Reads a row of the driver by column, as SQLAlchemy would; one of `UNREADABLE` for what cannot be read."""
    readers = [(name, _reader(dialect, table.c[name])) for name in columns]

    def read(values: Sequence[Any]) -> dict[str, Any]:
        return {name: _processed(value, how) for (name, how), value in zip(readers, values, strict=True)}

    return read


def driver_value(dialect: Dialect, column: sa.Column[Any], value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    """A value as the driver takes it."""
    return _processed(value, _processor(dialect, column))


def _processed(value: Any, how: Processor) -> Any:  # noqa: ANN401 - whatever a column holds
    return value if how is None else how(value)


@lru_cache(maxsize=64)
def insert_text(dialect: Dialect, table: sa.Table, columns: tuple[str, ...]) -> str:
    """The statement that takes one row, its places `?`, in the order of the columns."""
    # The cast is PostgreSQL's own way to say what an untyped NULL or text is to become.
    places = ", ".join(f"CAST(? AS {_type(dialect, table.c[name])})" for name in columns)
    if dialect.name != "postgresql":
        places = ", ".join("?" * len(columns))
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({places})"


def _type(dialect: Dialect, column: sa.Column[Any]) -> str:
    return str(column.type.compile(dialect))


@lru_cache(maxsize=512)
def _processor(dialect: Dialect, column: sa.Column[Any]) -> Processor:
    if dialect.name == "sqlite" and type(column.type) in SHORT:
        return SHORT[type(column.type)]
    return column.type.dialect_impl(dialect).bind_processor(dialect)


def _hex(value: UUID | None) -> str | None:
    return None if value is None else value.hex


def _utc_text(value: datetime | None) -> str | None:
    return None if value is None else utc_text(value)


SHORT: dict[type, Callable[[Any], Any]] = {sa.Uuid: _hex, UtcTime: _utc_text}
"""What SQLAlchemy does on SQLite for the types that nearly every column of a decision has, in a fifth of its time."""


@lru_cache(maxsize=512)
def _reader(dialect: Dialect, column: sa.Column[Any]) -> Processor:
    return column.type.dialect_impl(dialect).result_processor(dialect, FLOAT8)


@lru_cache(maxsize=256)
def _placed(text: str, dialect: str) -> str:
    return text.replace("?", "%s") if dialect == "postgresql" else text
