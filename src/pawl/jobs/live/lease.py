"""Who runs a cycle: one process at a time, over all machines. A process that dies lets go of it at once."""

import hashlib
from contextlib import ExitStack
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from pawl.errors import StorageError
from pawl.lake.atomic import storage_error
from pawl.ledger.database import Ledger

__all__ = ["Lease"]


class Lease:
    """The right to run what `name` names. On PostgreSQL an advisory lock of a connection of its own, on SQLite a lock
    on a file in the workspace. home: of the workspace.
    """

    def __init__(self, ledger: Ledger, home: Path, name: str) -> None:
        self._ledger, self._path = ledger, home / "leases" / f"{name.replace(' ', '-')}.lock"
        self._key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
        self._held: ExitStack | None = None
        self._connection: sa.Connection | None = None

    def take(self) -> bool:
        """Whether it is ours now; another process may hold it. StorageError where the database does not answer."""
        if self._held is not None and self._is_alive():
            return True
        self.release()
        if self._ledger.engine.dialect.name == "postgresql":
            return self._take_in_database()
        return self._take_file()

    def release(self) -> None:
        """Let go of it."""
        held, self._held, self._connection = self._held, None, None
        if held is not None:
            held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _is_alive(self) -> bool:
        """A database that was restarted has forgotten its locks, and another process may have taken this one since."""
        if self._connection is None:
            return True
        try:
            self._connection.execute(sa.text("SELECT 1"))
        except sa.exc.DBAPIError:
            return False
        return True

    def _take_in_database(self) -> bool:
        with ExitStack() as stack:
            try:
                engine = self._ledger.engine.execution_options(isolation_level="AUTOCOMMIT")
                connection = stack.enter_context(engine.connect())
                # A connection that goes back to the pool would keep the lock: this one is closed for good.
                stack.callback(connection.invalidate)
                asked = sa.text("SELECT pg_try_advisory_lock(:key)")
                is_ours = bool(connection.execute(asked, {"key": self._key}).scalar_one())
            except sa.exc.DBAPIError as error:
                raise StorageError(
                    f"the ledger does not answer: {error.orig}", where="lease", fix="the loop tries again"
                ) from error
            if is_ours:
                self._held, self._connection = stack.pop_all(), connection
        return is_ours

    def _take_file(self) -> bool:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("wb")
        except OSError as error:
            raise storage_error(error, self._path) from error
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._held = ExitStack()
        self._held.callback(file.close)
        return True
