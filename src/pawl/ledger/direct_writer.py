"""Writes commands in the caller's own thread, each durable when the call returns: the shortest way for one writer."""

from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import NamedTuple, Self

from pawl.errors import PawlError
from pawl.ledger.database import Ledger
from pawl.ledger.postgresql_store import PostgresqlStore
from pawl.ledger.short_way import Begun, ShortWay
from pawl.ledger.sqlite_store import SqliteStore
from pawl.ledger.write_commands import WriteCommand, Written
from pawl.ledger.write_paths import apply_prepared
from pawl.ledger.write_rules import Command, Prepared, prepare

__all__ = ["BegunWrite", "DirectWriter"]


Answers = Sequence[Written | PawlError]


class BegunWrite(NamedTuple):
    """Commands on their way. short: None where they take the long one, which begins when it is finished."""

    prepared: Sequence[Prepared]
    now: datetime
    short: Begun | None


class DirectWriter:
    """One thread at a time; any number of writers and processes beside each other. now: the clock.

    New decisions take the short way; everything else, and whatever meets another writer, the long one.
    """

    def __init__(self, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self._ledger, self._now = ledger, now
        self._store = PostgresqlStore(ledger) if self.is_beside else SqliteStore(ledger)
        self._short = ShortWay(ledger, self._store)

    @property
    def is_beside(self) -> bool:
        """Whether a server does the writing, beside this process and without its interpreter."""
        return self._ledger.engine.dialect.name != "sqlite"

    def write(self, command: WriteCommand) -> Written:
        """What stands now; PawlError where it may not be."""
        assert isinstance(command, Command)
        (answer,) = self.append([prepare(command)])
        if isinstance(answer, PawlError):
            raise answer
        return answer

    def append(self, prepared: Sequence[Prepared]) -> Answers:
        """Write them in one transaction, in their order; for each what stands now, or why it may not be."""
        return self.finish(self.begin(prepared))

    def begin(self, prepared: Sequence[Prepared]) -> BegunWrite:
        """Set out to write them behind all that was begun before; `finish` in the same order."""
        now = self._now()
        return BegunWrite(prepared, now, self._short.begin(prepared, now))

    def finish(self, begun: BegunWrite) -> Answers:
        """As `append` answers, when it is durable."""
        done = None if begun.short is None else self._short.finish(begun.short)
        if done is not None:
            return done
        self._short.forget()
        with self._ledger.transaction() as tx:
            return apply_prepared(tx, begun.prepared, begun.now)

    def fileno(self) -> int | None:
        """What has something to read as soon as the answer to the oldest that was begun is here; None where it is."""
        return self._store.fileno() if isinstance(self._store, PostgresqlStore) else None

    def close(self) -> None:
        """Let go of the connection; the next write opens another."""
        self._short.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
