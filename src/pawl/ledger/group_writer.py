"""One thread that writes for everybody: what waits is written in one transaction, so that many share one flush."""

import asyncio
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import NamedTuple, Self
from weakref import WeakKeyDictionary

from pawl.errors import PawlError, RefusalError, StorageError
from pawl.ledger.database import Ledger
from pawl.ledger.direct_writer import BegunWrite, DirectWriter
from pawl.ledger.waiting_room import WaitingRoom
from pawl.ledger.write_commands import WriteCommand, Written
from pawl.ledger.write_rules import Command, Prepared, prepare

__all__ = ["GroupWriter"]

MOST_AT_ONCE = 256
MOST_FLYING = 2  # batches that a server has to do: one is written while it is handed the next
LEAST_CROWD = 8  # a server takes nearly as long for two as for four
QUIET_TURNS = 3  # of a loop: a request takes one to be read and one to be checked
SHARE_OF_WRITE, MOST_PATIENCE_SEC = 0.3, 0.003


Answer = Written | Exception


class _Slot:
    """Where a thread that can only wait finds its answer: a lock that the writer opens. A future takes four of them."""

    __slots__ = ("_answer", "_opened")

    def __init__(self) -> None:
        self._opened = threading.Lock()
        self._opened.acquire()

    def fill(self, answer: Answer) -> None:
        self._answer = answer
        self._opened.release()

    def answer(self) -> Answer:
        with self._opened:
            return self._answer


class _Waiting(NamedTuple):
    """Who waits for what, and since when. loop: of a coroutine's future; None for a thread's."""

    prepared: Prepared
    future: "Future[Written] | asyncio.Future[Written] | _Slot"
    at: float
    loop: asyncio.AbstractEventLoop | None = None

    def is_begun(self) -> bool:
        """Whether it is still waited for; a thread can give up no more from here on."""
        if isinstance(self.future, Future):
            return self.future.set_running_or_notify_cancel()
        return isinstance(self.future, _Slot) or not self.future.cancelled()


class _Flight(NamedTuple):
    """A batch on its way."""

    batch: list[_Waiting]
    begun: BegunWrite
    began: float


@dataclass(slots=True)
class _Circle:
    """The coroutines of a loop, in whose thread alone it is touched. gathered: not yet handed over."""

    gathered: list[_Waiting] = field(default_factory=list)

    def taken(self) -> list[_Waiting]:
        """The gathered, who leave."""
        gathered, self.gathered = self.gathered, []
        return gathered


class GroupWriter:
    """Writes commands in the order in which they came, each durable when its future is done. now: the clock.

    It holds its one connection only while it writes. One a process is enough; several processes may write at once.
    """

    def __init__(self, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self._writer = DirectWriter(ledger, now)
        self._is_beside = self._writer.is_beside
        self._room = WaitingRoom[_Waiting]()
        self._circles: WeakKeyDictionary[asyncio.AbstractEventLoop, _Circle] = WeakKeyDictionary()
        # How many ask lately; what lies between two of them; to begin the write of one; to write a batch; its end.
        self._crowd, self._each_sec, self._begin_sec, self._write_sec, self._landed = 1, 0.0, 0.0, 0.0, 0.0
        self._thread = threading.Thread(target=self._run, name="group-writer", daemon=True)
        self._thread.start()

    def submit(self, command: WriteCommand) -> "Future[Written]":
        """What stands when it is written; PawlError where it may not be. Checked here, in the caller's thread."""
        assert isinstance(command, Command)
        future: Future[Written] = Future()
        try:
            waiting = _Waiting(prepare(command), future, time.monotonic())
        except PawlError as error:
            future.set_exception(error)
        else:
            self._put([waiting])
        return future

    def write_and_wait(self, command: WriteCommand) -> Written:
        """The same for a thread that has nothing else to do: less than half as dear as a future."""
        assert isinstance(command, Command)
        slot = _Slot()
        self._put([_Waiting(prepare(command), slot, time.monotonic())])
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
        circle = self._circles.get(loop)
        if circle is None:
            circle = self._circles[loop] = _Circle()
        future: asyncio.Future[Written] = loop.create_future()
        circle.gathered.append(_Waiting(prepared, future, time.monotonic(), loop))
        if len(circle.gathered) >= self._enough < self._crowd:
            self._hand_over(circle)
        elif len(circle.gathered) == 1:
            loop.call_soon(self._hand_over_if_quiet, loop, circle, 1, QUIET_TURNS)
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

    def _hand_over_if_quiet(self, loop: asyncio.AbstractEventLoop, circle: _Circle, n_before: int, turns: int) -> None:
        n = len(circle.gathered)
        left = turns - 1 if n == n_before else QUIET_TURNS
        if left and 0 < n < MOST_AT_ONCE:
            loop.call_soon(self._hand_over_if_quiet, loop, circle, n, left)
        elif n:
            self._hand_over(circle)

    def _hand_over(self, circle: _Circle) -> None:
        gathered = circle.taken()
        try:
            self._put(gathered)
        except RefusalError as error:
            _settle_all([(one, error) for one in gathered])

    def _put(self, waiting: list[_Waiting]) -> None:
        if not self._room.put(waiting):
            raise RefusalError("this writer is closed", where="group writer", fix="open another one")

    def _run(self) -> None:
        # Whoever was answered together asks again together, but the first of them a little sooner: for the others it
        # is worth a wait that is short beside a flush. One writer alone never waits.
        patience_sec, flying = 0.0, deque[_Flight]()
        while True:
            if flying and not self._sends_more(flying):
                self._land(flying)
                patience_sec = min(SHARE_OF_WRITE * self._write_sec, MOST_PATIENCE_SEC)
                continue
            enough = self._enough
            most = MOST_AT_ONCE if enough == self._crowd else enough
            taken = self._room.take(most=most, crowd=1 if flying else enough, patience_sec=patience_sec)
            if not taken:
                break
            # Whoever gave up while it waited gets nothing written.
            batch = [one for one in taken if one.is_begun()]
            if batch:
                n_asking = len(batch) + sum(len(one.batch) for one in flying) + len(self._room)
                self._crowd = max(n_asking, self._crowd * 7 // 8)
                self._each_sec = (batch[-1].at - batch[0].at) / len(batch)
                self._start(batch, flying)
        self._writer.close()

    @property
    def _enough(self) -> int:
        """How many are worth a write of their own; on a server half of them may be, while the others get ready.

        They are where the whole crowd takes longer to get ready than what two writes cost more than one: about half
        of a write, more for a slow disk, beside which a crowd is soon ready. A crowd of a few is left in one piece.
        """
        if not self._is_beside or self._crowd < LEAST_CROWD:
            return self._crowd
        is_slow = self._write_sec / 2 >= self._crowd * (self._each_sec + self._begin_sec)
        return self._crowd if is_slow else self._crowd // 2

    def _sends_more(self, flying: "deque[_Flight]") -> bool:
        """Whether another batch is there before the answer to the oldest on its way, and may be sent behind it."""
        if not self._is_beside or len(flying) == MOST_FLYING or flying[-1].begun.short is None:
            return False
        answering = self._writer.fileno()
        if answering is None:
            return len(self._room) >= self._enough
        return self._room.gathers(self._enough, answering)

    def _start(self, batch: list[_Waiting], flying: "deque[_Flight]") -> None:
        began = time.monotonic()
        try:
            begun = self._writer.begin([one.prepared for one in batch])
        except Exception as error:  # noqa: BLE001 - the outer loop of a worker, for which everybody waits
            while flying:
                self._land(flying)
            self._fail(batch, error)
        else:
            flying.append(_Flight(batch, begun, began))
            self._begin_sec = (time.monotonic() - began) / len(batch)

    def _land(self, flying: "deque[_Flight]") -> None:
        flight = flying.popleft()
        try:
            answers: Sequence[Answer] = self._writer.finish(flight.begun)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(flight.batch, error)
        else:
            _tell(flight.batch, answers)
        now = time.monotonic()
        self._write_sec, self._landed = now - max(flight.began, self._landed), now

    def _fail(self, batch: Sequence[_Waiting], error: Exception) -> None:
        if isinstance(error, StorageError) or len(batch) == 1:
            _tell(batch, [error] * len(batch))
            return
        for one in batch:  # whoever spoilt it stands alone, and the others are written
            alone = deque[_Flight]()
            self._start([one], alone)
            if alone:
                self._land(alone)


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
        _settle(one, answer)


def _settle(one: _Waiting, answer: Answer) -> None:
    if isinstance(one.future, _Slot):
        one.future.fill(answer)
    elif one.future.done():  # whoever gave up meanwhile hears nothing of it
        pass
    elif isinstance(answer, Exception):
        one.future.set_exception(answer)
    else:
        one.future.set_result(answer)
