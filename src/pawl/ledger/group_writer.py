"""One thread that writes for everybody: what waits is written in one transaction, so that many share one flush."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from types import TracebackType
from typing import Self
from weakref import WeakKeyDictionary

from pawl.errors import PawlError, RefusalError
from pawl.ledger.batch_writer import MOST_AT_ONCE, BatchWriter
from pawl.ledger.database import Ledger
from pawl.ledger.direct_writer import DirectWriter
from pawl.ledger.waiting import Slot, Waiting, settle_all
from pawl.ledger.waiting_room import WaitingRoom
from pawl.ledger.write_commands import WriteCommand, Written
from pawl.ledger.write_rules import Command, prepare

__all__ = ["GroupWriter"]

QUIET_TURNS = 3  # of a loop: a request takes one to be read and one to be checked


class GroupWriter:
    """Writes commands in the order in which they came, each durable when its future is done. now: the clock.

    It holds its one connection only while it writes. One a process is enough; several processes may write at once.
    """

    def __init__(self, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self._room = WaitingRoom[Waiting]()
        self._batches = BatchWriter(DirectWriter(ledger, now), self._room)
        # What the coroutines of a loop have to say and is not yet handed over, touched in its thread alone.
        self._gathered: WeakKeyDictionary[asyncio.AbstractEventLoop, list[Waiting]] = WeakKeyDictionary()
        self._thread = threading.Thread(target=self._batches.run, name="group-writer", daemon=True)
        self._thread.start()

    def submit(self, command: WriteCommand) -> "Future[Written]":
        """What stands when it is written; PawlError where it may not be. Checked here, in the caller's thread."""
        assert isinstance(command, Command)
        future: Future[Written] = Future()
        try:
            waiting = Waiting(prepare(command), future, time.monotonic())
        except PawlError as error:
            future.set_exception(error)
        else:
            self._put([waiting])
        return future

    def write_and_wait(self, command: WriteCommand) -> Written:
        """The same for a thread that has nothing else to do: less than half as dear as a future."""
        assert isinstance(command, Command)
        slot = Slot()
        self._put([Waiting(prepare(command), slot, time.monotonic())])
        answer = slot.answer()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def write(self, command: WriteCommand) -> Written:
        """The same for a coroutine; what those of a loop want written is handed over when none has more to say.

        So the loop waits while this writer works, and neither takes the interpreter from the other. A server works
        without the interpreter: a quick one is handed half of them, and the others get ready meanwhile.
        """
        assert isinstance(command, Command)
        loop = asyncio.get_running_loop()
        prepared = prepare(command)
        gathered = self._gathered.get(loop)
        if gathered is None:
            gathered = self._gathered[loop] = []
        future: asyncio.Future[Written] = loop.create_future()
        gathered.append(Waiting(prepared, future, time.monotonic(), loop))
        if len(gathered) >= self._batches.enough < self._batches.crowd:
            self._hand_over(gathered)
        elif len(gathered) == 1:
            loop.call_soon(self._hand_over_if_quiet, loop, gathered, 1, QUIET_TURNS)
        return await future

    def close(self) -> None:
        """Write what still waits, and end."""
        self._room.close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _hand_over_if_quiet(
        self, loop: asyncio.AbstractEventLoop, gathered: list[Waiting], n_before: int, turns: int
    ) -> None:
        n = len(gathered)
        left = turns - 1 if n == n_before else QUIET_TURNS
        if left and 0 < n < MOST_AT_ONCE:
            loop.call_soon(self._hand_over_if_quiet, loop, gathered, n, left)
        elif n:
            self._hand_over(gathered)

    def _hand_over(self, gathered: list[Waiting]) -> None:
        leaving = list(gathered)
        gathered.clear()
        try:
            self._put(leaving)
        except RefusalError as error:
            settle_all([(one, error) for one in leaving])

    def _put(self, waiting: list[Waiting]) -> None:
        if not self._room.put(waiting):
            raise RefusalError("this writer is closed", where="group writer", fix="open another one")
