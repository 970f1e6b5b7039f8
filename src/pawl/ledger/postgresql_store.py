"""New rows on PostgreSQL in one statement: rows, events and the head of their chain in one round trip."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from pawl.ledger.chain import canonical_text
from pawl.ledger.column_types import JsonText, utc_text
from pawl.ledger.database import Ledger
from pawl.ledger.driver_sql import raised_as_usual
from pawl.ledger.identity import id_text
from pawl.ledger.readable import wait_open, wait_readable
from pawl.ledger.short_way import MOVE_FROM, NewRows

if TYPE_CHECKING:
    import psycopg
    from psycopg.pq.abc import PGconn, PGresult

__all__ = ["PostgresqlStore"]

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
Shape = tuple[tuple[str, int], ...]
"""Of a statement: the tables, and how many rows of each it has places for."""


class PostgresqlStore:
    """A `Store` that may have several statements on their way. A cursor of psycopg's takes as long as the server does.

    Each statement is a transaction of its own, and the server takes them in their order. A statement has places for
    1, 2, 4, 8 … rows a table, so that there are few, which it plans once; places that are left over are NULL.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._connection: psycopg.Connection[Any] | None = None
        self._names: dict[Shape, bytes] = {}
        self._sent: deque[NewRows] = deque()

    def begin(self, new: NewRows) -> None:
        """Send it; `finish` says what came of it."""
        values = _values(new)
        with self._failures():
            server = self._server()
            shape = tuple([(table.name, _places(len(rows))) for table, rows in new.tables])
            if shape not in self._names:
                self._names[shape] = f"new_rows_{len(self._names)}".encode()
                server.send_prepare(self._names[shape], _statement(new).encode())
            server.send_query_prepared(self._names[shape], values)
            server.pipeline_sync()
            while server.flush():  # more than the sockets hold: the server would wait for the rest, and we for it
                wait_open(server.socket)
                server.consume_input()
            self._sent.append(new)

    def finish(self, new: NewRows) -> bool:
        """Wait for the answer to the oldest that is on its way, which `new` is.

        Durable where it is True; where the head has moved on or a key is taken nothing is written.
        """
        import psycopg  # noqa: PLC0415 - an extra; a ledger in one file needs none

        done = psycopg.pq.ExecStatus.COMMAND_OK
        if not self._sent or self._sent[0] is not new or self._connection is None:
            with self._named():
                raise psycopg.OperationalError("the connection was lost with an answer on its way")
        with self._failures():
            answers = _next_answers(self._connection.pgconn)
            self._sent.popleft()
            failures = [_failure(self._connection.pgconn, one) for one in answers if one.status != done]
            if answers and not failures:
                return answers[-1].command_tuples == len(new.tables[-1][1])
            if failures and isinstance(failures[0], psycopg.IntegrityError):
                return False
            # Of two the first says that the statement is not there, and what is on its way needs it too.
            if len(failures) != 1 or isinstance(failures[0], psycopg.OperationalError):
                raise failures[0] if failures else psycopg.OperationalError("the connection was lost")
        with self._named():  # the connection holds, and what else is on its way
            raise failures[0]

    def fileno(self) -> int | None:
        """What has something to read as soon as the oldest answer is here; None where it has been read already."""
        if self._connection is None or self._connection.closed or not self._connection.pgconn.is_busy():
            return None
        return self._connection.pgconn.socket

    def close(self) -> None:
        """Let go of the connection; the next write opens another. What is on its way is lost to this process."""
        self._sent.clear()
        self._names.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _named(self) -> Iterator[None]:
        import psycopg  # noqa: PLC0415 - as above

        with self._ledger.failures_named(), raised_as_usual(DIALECT, psycopg.Error, MOVE_FROM):
            yield

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            with self._named():
                yield
        except BaseException:
            self.close()
            raise

    def _server(self) -> "PGconn":
        import psycopg  # noqa: PLC0415 - as above

        if self._connection is None:
            connection = self._ledger.own_connection()
            assert isinstance(connection, psycopg.Connection)
            connection.autocommit = True
            # The statements have no better plan for some rows than for others.
            connection.execute("SET plan_cache_mode = force_generic_plan")
            connection.pgconn.enter_pipeline_mode()
            self._connection = connection
        return self._connection.pgconn


def _next_answers(server: "PGconn") -> "list[PGresult]":
    """To everything up to the next sync, or until the connection was lost."""
    import psycopg  # noqa: PLC0415 - as above

    answers: list[PGresult] = []
    is_between = False  # the answers to two statements
    while True:
        while server.is_busy():
            wait_readable(server.socket)  # libpq would wait without letting another thread run
            server.consume_input()
        answer = server.get_result()
        if answer is not None and answer.status == psycopg.pq.ExecStatus.PIPELINE_SYNC:
            return answers
        if answer is not None:
            answers.append(answer)
        elif is_between or server.status != psycopg.pq.ConnStatus.OK:
            # What was done is durable only behind a sync.
            return [one for one in answers if one.status != psycopg.pq.ExecStatus.COMMAND_OK]
        is_between = answer is None


def _failure(server: "PGconn", answer: "PGresult") -> "psycopg.Error":
    import psycopg  # noqa: PLC0415 - as above

    error = psycopg.errors.error_from_result(answer)
    # libpq has no code for a server that is gone.
    return error if server.status == psycopg.pq.ConnStatus.OK else psycopg.OperationalError(str(error))


def _places(n: int) -> int:
    return 1 << (n - 1).bit_length()


def _values(new: NewRows) -> list[bytes | None]:
    values: list[bytes | None] = [str(one).encode() for one in new.move]
    for _, rows in new.tables:
        for row in rows:
            values += [None if one is None else BYTES_OF.get(type(one), _other)(one) for one in row.values()]
        values += [None] * (len(rows[0]) * (_places(len(rows)) - len(rows)))
    return values


BYTES_OF: dict[type, Callable[[Any], bytes]] = {
    str: str.encode,
    JsonText: str.encode,
    UUID: lambda value: id_text(value).encode(),
    datetime: lambda value: utc_text(value).encode(),
}
"""How the server reads a value, by its type."""


def _other(value: object) -> bytes:
    return canonical_text(value).encode()


def _statement(new: NewRows) -> str:
    number = count(1)
    head = "".join(f"${next(number)}" if part == "?" else part for part in MOVE_FROM)
    *before, last = (_insert(table, rows, number) for table, rows in new.tables)
    parts = [f"head AS ({head} RETURNING 1)", *(f"rows_{place} AS ({part})" for place, part in enumerate(before))]
    return f"WITH {', '.join(parts)} {last}"


def _insert(table: sa.Table, rows: Sequence[dict[str, Any]], number: Iterator[int]) -> str:
    names, key = ", ".join(rows[0]), next(iter(table.primary_key)).name
    types = [table.c[name].type.compile(DIALECT) for name in rows[0]]
    places = [f"({', '.join(f'${next(number)}::{one}' for one in types)})" for _ in range(_places(len(rows)))]
    read = f"(VALUES {', '.join(places)}) AS r({names}) WHERE r.{key} IS NOT NULL"
    return f"INSERT INTO {table.name} ({names}) SELECT r.* FROM head, {read}"
