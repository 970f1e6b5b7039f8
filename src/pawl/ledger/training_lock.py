"""One training at a time: the lock that every training of a ledger holds, on whatever machine it runs."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import sqlalchemy as sa

from pawl.lake.atomic import locked
from pawl.ledger.database import Ledger

__all__ = ["training_lock"]

LOCK_NUMBER = 0x7061776C_0001
"""Of the advisory lock on PostgreSQL: fixed, so that every release asks for the same one."""


@contextmanager
def training_lock(ledger: Ledger) -> Iterator[None]:
    """Hold the one training lock of a ledger; whoever comes later waits, in the order the database chooses.

    It is let go of by the death of its holder, so a training that was killed blocks nobody: on PostgreSQL with its
    connection, on SQLite with its file. A ledger in memory has one process and needs none.
    """
    database = ledger.engine.url.database
    if ledger.engine.dialect.name == "postgresql":
        with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.select(sa.func.pg_advisory_lock(LOCK_NUMBER)))
            try:
                yield
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(LOCK_NUMBER)))
        return
    in_memory = database in (None, "", ":memory:")
    with nullcontext() if in_memory else locked(Path(f"{database}.training.lock")):
        yield
