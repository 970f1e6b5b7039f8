"""The ledger: one database, opened by its URL, in which everything happens in transactions."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from pawl.errors import CorruptArtifactError, InputError, PawlError, RefusalError, StorageError
from pawl.ledger.column_types import read_json
from pawl.ledger.schema import is_current, migrate

__all__ = ["LEDGER_FILE", "Ledger"]

LEDGER_FILE = "ledger.db"
BUSY_TIMEOUT_MS = 30_000
PAGES_IN_LOG = 8192
"""Pages of 4 KiB in the log before they are moved into the file, while everybody waits. At SQLite's own 1,000 that is
after every eightieth decision: one commit in a hundred then takes ten times as long."""

READING = "pawl_reading"


class Ledger:
    """The SQL database of a workspace: SQLite in one file by default, PostgreSQL by URL.

    >>> ledger = Ledger("sqlite://")
    >>> ledger.make_current()
    >>> with ledger.reading() as tx:
    ...     tx.execute(sa.text("SELECT count(*) FROM model_versions")).scalar_one()
    0
    """

    def __init__(self, url: str | sa.URL) -> None:
        self.engine = _engine(sa.make_url(url))
        self._single = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
            self._reader = self.engine.execution_options(**{READING: True})
        else:
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @classmethod
    def open(cls, home: Path) -> Self:
        """The ledger of a workspace; its file is made, or brought to this code's schema, as needed."""
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _cannot_write(error, home) from error
        ledger = cls(sa.URL.create("sqlite", database=str(home / LEDGER_FILE)))
        ledger.make_current()
        return ledger

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Write: all that happens inside, or nothing. One writer at a time on SQLite; the others wait."""
        with self.failures_named(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def single_statements(self) -> Iterator[sa.Connection]:
        """Write in statements each of which is a transaction of its own, and ends in one round trip."""
        with self.failures_named(), self._single.connect() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Read one state of the ledger, beside any writer."""
        with self.failures_named(), self._reader.connect() as connection:
            yield connection

    def make_current(self) -> None:
        """Bring the schema to the one this code knows."""
        with self.reading() as tx:
            if is_current(tx):
                return
        with self.transaction() as tx:
            migrate(tx)

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()

    def own_connection(self) -> DBAPIConnection:
        """A connection of the driver's that belongs to the caller, who closes it; the pool knows nothing of it."""
        with self.failures_named():
            held = self.engine.raw_connection()
        driver: DBAPIConnection | None = held.driver_connection
        held.detach()
        assert driver is not None
        return driver

    @contextmanager
    def failures_named(self) -> Iterator[None]:
        """What SQLAlchemy raises of the database inside is raised as an error of Pawl's."""
        try:
            yield
        except sa.exc.StatementError as error:
            named = _named(error, str(self.engine.url))
            if named is None:
                raise
            raise named from error


def _named(error: sa.exc.StatementError, where: str) -> PawlError | None:
    if isinstance(error.orig, PawlError):  # a value that its column type refused
        return error.orig
    if isinstance(error, sa.exc.OperationalError):
        return _cannot_write(error.orig or error, where)
    if isinstance(error, sa.exc.IntegrityError):
        fix = "nothing was written; the rule that is named says what may not be"
        return RefusalError(f"a rule of the ledger forbids this: {error.orig}", where=where, fix=fix)
    if isinstance(error, sa.exc.DataError):
        fix = "nothing was written; shorten the text, or look for a figure out of all bounds"
        return InputError(f"a value does not fit its column: {error.orig}", where=where, fix=fix)
    if type(error) is sa.exc.DatabaseError:
        return CorruptArtifactError(
            f"the ledger cannot be read: {error.orig}", where=where, fix="restore it from a backup"
        )
    return None


def _engine(url: sa.URL) -> sa.Engine:
    try:
        # Without hide_parameters an error would quote what was to be written, personal data too.
        return sa.create_engine(url, json_deserializer=read_json, hide_parameters=True)
    except ModuleNotFoundError as error:
        raise InputError(
            f"no driver for a ledger on {url.get_backend_name()}: {error}",
            where=str(url),
            fix="for PostgreSQL: pip install 'pawl-trading[postgres]'",
        ) from error


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    assert isinstance(connection, sqlite3.Connection)
    # The driver would begin transactions by itself, late, and not around DDL; `_begin_sqlite` does.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        f"wal_autocheckpoint = {PAGES_IN_LOG}",
        "foreign_keys = ON",
        "recursive_triggers = ON",  # else INSERT OR REPLACE deletes rows without asking the triggers
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A deferred transaction that reads first and writes later fails when another has written in between.
    is_reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN DEFERRED" if is_reading else "BEGIN IMMEDIATE")


def _cannot_write(error: BaseException, where: object) -> StorageError:
    fix = "free some space, choose a writable --home, or wait for the other run; what stood there still stands"
    if str(where).startswith("postgresql"):
        fix = "see that the server runs, has room, and is what PAWL_DATABASE_URL names; what stood there still stands"
    return StorageError(f"the ledger does not answer: {error}", where=str(where), fix=fix)
