"""One thread that writes for everybody: what waits is written in one transaction, so that many share one flush."""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from pawl.errors import PawlError, RefusalError, StorageError
from pawl.ledger.database import Ledger
from pawl.ledger.direct_writer import DirectWriter
from pawl.ledger.write_commands import WriteCommand, Written
from pawl.ledger.write_rules import Command, Prepared, prepare

__all__ = ["GroupWriter"]

MOST_AT_ONCE = 256
QUIET_TURNS = 3  # of a loop: a request takes one to be read and one to be checked
SHARE_OF_WRITE, MOST_PATIENCE_SEC = 0.3, 0.003


Answer = Written | Exception


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Who waits for what. loop: of a coroutine's future; None for a thread's."""

    prepared: Prepared
    future: "Future[Written] | asyncio.Future[Written]"
    loop: asyncio.AbstractEventLoop | None = None

    def is_begun(self) -> bool:
        """Whether it is still waited for; a thread can give up no more from here on."""
        if isinstance(self.future, Future):
            return self.future.set_running_or_notify_cancel()
        return not self.future.cancelled()


class GroupWriter:
    """Writes commands in the order in which they came, each durable when its future is done. now: the clock.

    It holds its one connection only while it writes. One a process is enough; several processes may write at once.
    """

    def __init__(self, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self._writer = DirectWriter(ledger, now)
        self._queue: SimpleQueue[list[_Waiting] | None] = SimpleQueue()
        self._gathered: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
        self._crowd, self._patience_sec = 1, 0.0
        self._door, self._is_closed = threading.Lock(), False
        self._thread = threading.Thread(target=self._run, name="group-writer", daemon=True)
        self._thread.start()

    def submit(self, command: WriteCommand) -> "Future[Written]":
        """What stands when it is written; PawlError where it may not be. Checked here, in the caller's thread."""
        assert isinstance(command, Command)
        future: Future[Written] = Future()
        try:
            waiting = _Waiting(prepare(command), future)
        except PawlError as error:
            future.set_exception(error)
        else:
            self._put([waiting])
        return future

    async def write(self, command: WriteCommand) -> Written:
        """The same for a coroutine; what those of a loop want written is handed over when none has more to say.

        So the loop waits while this writer works, and neither takes the interpreter from the other.
        """
        assert isinstance(command, Command)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(prepare(command), loop.create_future(), loop)
        gathered = self._gathered.setdefault(loop, [])
        gathered.append(waiting)
        if len(gathered) == 1:
            loop.call_soon(self._hand_over, loop, 1, QUIET_TURNS)
        assert isinstance(waiting.future, asyncio.Future)
        return await waiting.future

    def close(self) -> None:
        """Write what still waits, and end."""
        with self._door:
            if not self._is_closed:
                self._is_closed = True
                self._queue.put(None)
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _hand_over(self, loop: asyncio.AbstractEventLoop, n_before: int, turns: int) -> None:
        n = len(self._gathered[loop])
        left = turns - 1 if n == n_before else QUIET_TURNS
        if left and n < MOST_AT_ONCE:
            loop.call_soon(self._hand_over, loop, n, left)
            return
        gathered = self._gathered.pop(loop)
        try:
            self._put(gathered)
        except RefusalError as error:
            _settle_all([(one, error) for one in gathered])

    def _put(self, waiting: list[_Waiting]) -> None:
        with self._door:
            if self._is_closed:
                raise RefusalError("this writer is closed", where="group writer", fix="open another one")
            self._queue.put(waiting)

    def _run(self) -> None:
        is_open = True
        while is_open:
            taken, is_open = self._take()
            # Whoever gave up while it waited gets nothing written.
            batch = [one for one in taken if one.is_begun()]
            if batch:
                began = time.monotonic()
                self._write(batch)
                self._patience_sec = min(SHARE_OF_WRITE * (time.monotonic() - began), MOST_PATIENCE_SEC)
                self._crowd = max(len(batch), self._crowd * 7 // 8)
        self._writer.close()

    def _take(self) -> tuple[list[_Waiting], bool]:
        """What waits now, at least one, and no more once there are `MOST_AT_ONCE`; False behind the last of all.

        Whoever was answered together asks again together, but the first of them a little sooner: for the others it is
        worth a wait that is short beside a flush. One writer alone never waits.
        """
        taken: list[_Waiting] = []
        some = self._queue.get()
        until = time.monotonic() + self._patience_sec
        while some is not None:
            taken += some
            if len(taken) >= MOST_AT_ONCE:
                return taken, True
            left = until - time.monotonic() if len(taken) < self._crowd else 0.0
            try:
                some = self._queue.get(timeout=left) if left > 0 else self._queue.get_nowait()
            except Empty:
                return taken, True
        return taken, False

    def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            answers: Sequence[Answer] = self._writer.append([one.prepared for one in batch])
        except StorageError as error:
            _tell(batch, [error] * len(batch))
        except Exception as error:  # noqa: BLE001 - the outer loop of a worker, for which everybody waits
            if len(batch) == 1:
                _tell(batch, [error])
                return
            for one in batch:  # whoever spoilt it stands alone, and the others are written
                self._write([one])
        else:
            _tell(batch, answers)


def _tell(batch: Sequence[_Waiting], answers: Sequence[Answer]) -> None:
    of_loops: dict[asyncio.AbstractEventLoop, list[tuple[_Waiting, Answer]]] = defaultdict(list)
    for one, answer in zip(batch, answers, strict=True):
        if one.loop is None:
            _settle(one, answer)
        else:
            of_loops[one.loop].append((one, answer))
    for loop, told in of_loops.items():
        with suppress(RuntimeError):  # a loop that has ended has nobody left who waits
            loop.call_soon_threadsafe(_settle_all, told)


def _settle_all(told: Sequence[tuple[_Waiting, Answer]]) -> None:
    for one, answer in told:
        if not one.future.done():  # whoever gave up meanwhile hears nothing of it
            _settle(one, answer)


def _settle(one: _Waiting, answer: Answer) -> None:
    if isinstance(answer, Exception):
        one.future.set_exception(answer)
    else:
        one.future.set_result(answer)
