"""New rows on SQLite: a connection that stays open, and statements that are made once."""

import sqlite3
from contextlib import suppress

from pawl.ledger.database import Ledger
from pawl.ledger.driver_sql import insert_text, raised_as_usual, row_values
from pawl.ledger.short_way import MOVE_FROM, NewRows

__all__ = ["SqliteStore"]


class SqliteStore:
    """A `Store`. Taking a connection from the pool and giving it back takes as long as SQLite takes for two rows."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._connection: sqlite3.Connection | None = None

    def begin(self, new: NewRows) -> None:
        """Nothing: SQLite works in the thread that waits for it."""

    def finish(self, new: NewRows) -> bool:
        """Durable where it is True; where the head has moved on or a key is taken nothing is written."""
        try:
            with self._ledger.failures_named(), raised_as_usual(self._ledger.engine.dialect, sqlite3.Error, MOVE_FROM):
                return self._write(new)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection; the next write opens another."""
        if self._connection is not None:
            # Closed alone, it would keep its lock while an error that is told on still holds its cursor.
            with suppress(sqlite3.Error):
                self._connection.rollback()
            self._connection.close()
            self._connection = None

    def _write(self, new: NewRows) -> bool:
        if self._connection is None:
            connection = self._ledger.own_connection()
            assert isinstance(connection, sqlite3.Connection)
            self._connection = connection
        cursor, dialect = self._connection.cursor(), self._ledger.engine.dialect
        cursor.execute("BEGIN IMMEDIATE")
        try:
            is_here = cursor.execute(MOVE_FROM, new.move).rowcount == 1
            for table, rows in new.tables if is_here else ():
                columns = tuple(rows[0])
                values = row_values(dialect, table, columns)
                # One statement of many rows would take SQLite half as long again.
                cursor.executemany(insert_text(dialect, table, columns), list(map(values, rows)))
        except sqlite3.IntegrityError:
            is_here = False
        cursor.execute("COMMIT" if is_here else "ROLLBACK")
        return is_here
