"""New rows on PostgreSQL in one statement: rows, events and the head of their chain in one round trip."""

from collections.abc import Iterable
from itertools import count
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from pawl.ledger.chain import row_text
from pawl.ledger.database import Ledger
from pawl.ledger.driver_sql import raised_as_usual
from pawl.ledger.short_way import MOVE_FROM, NewRows

if TYPE_CHECKING:
    import psycopg
    from psycopg.pq.abc import PGconn, PGresult

__all__ = ["PostgresqlStore"]

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


class PostgresqlStore:
    """A `Store`. Its statement goes to libpq as it is: a cursor of psycopg's takes as long as the server does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._connection: psycopg.Connection[Any] | None = None
        self._prepared: dict[tuple[str, ...], bytes] = {}

    def write(self, new: NewRows) -> bool:
        """Durable where it is True; where the head has moved on or a key is taken nothing is written."""
        import psycopg  # noqa: PLC0415 - an extra; a ledger in one file needs none

        try:
            with self._ledger.failures_named(), raised_as_usual(DIALECT, psycopg.Error, MOVE_FROM):
                return self._write(new)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection; the next write opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._prepared.clear()

    def _write(self, new: NewRows) -> bool:
        import psycopg  # noqa: PLC0415 - as above

        if self._connection is None:
            connection = self._ledger.own_connection()
            assert isinstance(connection, psycopg.Connection)
            connection.autocommit = True
            self._connection = connection
        server, done = self._connection.pgconn, psycopg.pq.ExecStatus.COMMAND_OK
        tables = tuple(table.name for table, _ in new.tables)
        if tables not in self._prepared:
            name, text = f"new_rows_{len(self._prepared)}".encode(), _statement(new)
            answer = server.prepare(name, text.encode())
            if answer.status != done:
                raise _failure(server, answer)
            self._prepared[tables] = name
        rows = (f"[{','.join(row_text(table, tuple(row), row) for row in rows)}]" for table, rows in new.tables)
        values = [str(one).encode() for one in (*new.move, *rows)]
        answer = server.exec_prepared(self._prepared[tables], values)
        if answer.status == done:
            return answer.command_tuples == len(new.tables[-1][1])
        error = _failure(server, answer)
        if isinstance(error, psycopg.IntegrityError):
            return False
        raise error


def _failure(server: "PGconn", answer: "PGresult") -> "psycopg.Error":
    import psycopg  # noqa: PLC0415 - as above

    error = psycopg.errors.error_from_result(answer)
    # libpq has no code for a server that is gone.
    return error if server.status == psycopg.pq.ConnStatus.OK else psycopg.OperationalError(str(error))


def _statement(new: NewRows) -> str:
    number = count(1)
    head = "".join(f"${next(number)}" if part == "?" else part for part in MOVE_FROM)
    *before, last = (_insert(table, rows[0], next(number)) for table, rows in new.tables)
    parts = [f"head AS ({head} RETURNING 1)", *(f"rows_{place} AS ({part})" for place, part in enumerate(before))]
    return f"WITH {', '.join(parts)} {last}"


def _insert(table: sa.Table, columns: Iterable[str], place: int) -> str:
    names = ", ".join(columns)
    typed = ", ".join(f"{name} {table.c[name].type.compile(DIALECT)}" for name in columns)
    rows = f"jsonb_to_recordset(CAST(${place} AS jsonb)) AS r({typed})"
    return f"INSERT INTO {table.name} ({names}) SELECT {names} FROM head, {rows}"
