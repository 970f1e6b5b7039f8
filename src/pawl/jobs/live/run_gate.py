"""Between a loop's runs and what a person does to it: an act never falls into the middle of a run.

A run reads, thinks and writes; an act that came in between would be behind one half of it and before the other, and
could not be put in one order with it. So every run of a process, and the effects of every training, pass the gate
together with those of other roles, and an act passes it alone. Whoever dies lets go.
"""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock
from io import BufferedWriter
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pawl.errors import StorageError
from pawl.lake.atomic import locked, storage_error
from pawl.ledger.database import Ledger

__all__ = ["RunGate", "between_runs"]


class RunGate:
    """The side of a loop's process, which makes one run at a time. Closed by its owner.

    On PostgreSQL an advisory lock, whose requests stand in one queue. On SQLite a lock on a file; because the kernel
    may let a loop that never rests pass again and again, everybody goes through a door first, which an act keeps shut
    while it waits. A ledger in memory has one process and needs none.
    """

    def __init__(self, ledger: Ledger, learner: str) -> None:
        self._ledger, self._key, self._path = ledger, _key(learner), _path(ledger, learner)
        self._held = ExitStack()
        self._connection: sa.Connection | None = None
        self._files: tuple[BufferedWriter, BufferedWriter] | None = None

    def enter(self) -> None:
        """A run begins, behind the act that is under way. StorageError where the database does not answer."""
        if self._is_postgresql:
            self._ask("pg_advisory_lock_shared")
        elif self._path is not None:
            door, runs = self._opened(self._path)
            flock(door, LOCK_EX)
            flock(runs, LOCK_SH)
            flock(door, LOCK_UN)

    def leave(self) -> None:
        """A run has ended. A database that has gone has let go by itself."""
        if self._files is not None:
            flock(self._files[1], LOCK_UN)
        elif self._connection is not None:
            try:
                self._ask("pg_advisory_unlock_shared")
            except StorageError:
                return

    def close(self) -> None:
        """Let go of everything."""
        self._connection, self._files = None, None
        self._held.close()

    @property
    def _is_postgresql(self) -> bool:
        return self._ledger.engine.dialect.name == "postgresql"

    def _ask(self, function: str) -> None:
        try:
            if self._connection is None:
                engine = self._ledger.engine.execution_options(isolation_level="AUTOCOMMIT")
                self._connection = self._held.enter_context(engine.connect())
                self._connection.detach()  # back in the pool it would keep the lock: this one is closed for good
            self._connection.execute(_asked(function, self._key))
        except sa.exc.DBAPIError as error:
            self.close()
            raise StorageError(
                f"the ledger does not answer: {error.orig}", where="gate of the runs", fix="the loop tries again"
            ) from error

    def _opened(self, path: Path) -> tuple[BufferedWriter, BufferedWriter]:
        if self._files is None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                door, runs = (self._held.enter_context(each.open("wb")) for each in (_door(path), path))
            except OSError as error:
                self.close()
                raise storage_error(error, path) from error
            self._files = door, runs
        return self._files


@contextmanager
def between_runs(ledger: Ledger, learner: str) -> Iterator[None]:
    """Nothing of a learner's loop runs while this lasts, and no training takes effect; the loop waits for its end.

    The caller holds no transaction when it begins, and nothing that takes longer than a few seconds inside.
    """
    if ledger.engine.dialect.name == "postgresql":
        with ledger.failures_named(), ExitStack() as stack:
            engine = ledger.engine.execution_options(isolation_level="AUTOCOMMIT")
            connection = stack.enter_context(engine.connect())
            connection.detach()
            connection.execute(_asked("pg_advisory_lock", _key(learner)))
            yield
        return
    path = _path(ledger, learner)
    if path is None:
        yield
        return
    with locked(_door(path)), locked(path):
        yield


def _asked(function: str, key: int) -> sa.Select[Any]:
    return sa.select(getattr(sa.func, function)(sa.cast(key, sa.BigInteger)))


def _key(learner: str) -> int:
    return int.from_bytes(hashlib.sha256(f"runs of {learner}".encode()).digest()[:8], signed=True)


def _path(ledger: Ledger, learner: str) -> Path | None:
    database = ledger.engine.url.database
    return None if database in (None, "", ":memory:") else Path(f"{database}.{learner}.runs.lock")


def _door(path: Path) -> Path:
    return path.with_suffix(".door")
