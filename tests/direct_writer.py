"""A writer without a thread: one transaction a command."""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime

from pawl.errors import PawlError
from pawl.ledger.database import Ledger
from pawl.ledger.write_commands import WriteCommand, Written
from pawl.ledger.write_paths import apply_writes

__all__ = ["DirectWriter"]


class DirectWriter:
    """Writes at once."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self.ledger, self.now = ledger, now

    def submit(self, command: WriteCommand) -> "Future[Written]":
        """Write it."""
        future: Future[Written] = Future()
        try:
            with self.ledger.transaction() as tx:
                (done,) = apply_writes(tx, [command], self.now())
            if isinstance(done, PawlError):
                future.set_exception(done)
            else:
                future.set_result(done)
        except PawlError as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing waits."""
