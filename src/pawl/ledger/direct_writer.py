"""Writes commands in the caller's own thread, each durable when the call returns: the shortest way for one writer."""

from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from pawl.errors import PawlError
from pawl.ledger.database import Ledger
from pawl.ledger.postgresql_store import PostgresqlStore
from pawl.ledger.short_way import ShortWay
from pawl.ledger.sqlite_store import SqliteStore
from pawl.ledger.write_commands import WriteCommand, Written
from pawl.ledger.write_paths import apply_prepared
from pawl.ledger.write_rules import Command, Prepared, prepare

__all__ = ["DirectWriter"]


class DirectWriter:
    """One thread at a time; any number of writers and processes beside each other. now: the clock.

    New decisions take the short way; everything else, and whatever meets another writer, the long one.
    """

    def __init__(self, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self._ledger, self._now = ledger, now
        self._short = ShortWay(ledger, PostgresqlStore(ledger) if self.is_beside else SqliteStore(ledger))

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

    def append(self, prepared: Sequence[Prepared]) -> Sequence[Written | PawlError]:
        """Write them in one transaction, in their order; for each what stands now, or why it may not be."""
        now = self._now()
        done = self._short.append(prepared, now)
        if done is not None:
            return done
        self._short.forget()
        with self._ledger.transaction() as tx:
            return apply_prepared(tx, prepared, now)

    def close(self) -> None:
        """Let go of the connection; the next write opens another."""
        self._short.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
