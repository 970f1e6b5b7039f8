"""Who waits for something to be written, and how each is told what came of it."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple

from pawl.ledger.write_commands import Written
from pawl.ledger.write_rules import Prepared

__all__ = ["Answer", "Slot", "Waiting", "settle_all", "tell"]

Answer = Written | Exception


class Slot:
    """Where a thread that can only wait finds its answer: a lock that the writer opens. A future takes four of them."""

    __slots__ = ("_answer", "_opened")

    def __init__(self) -> None:
        self._opened = threading.Lock()
        self._opened.acquire()

    def fill(self, answer: Answer) -> None:
        """Wake whoever waits for it."""
        self._answer = answer
        self._opened.release()

    def answer(self) -> Answer:
        """What was filled in, once it was."""
        with self._opened:
            return self._answer


class Waiting(NamedTuple):
    """Who waits for what, and since when. loop: of a coroutine's future; None for a thread's."""

    prepared: Prepared
    future: "Future[Written] | asyncio.Future[Written] | Slot"
    at: float
    loop: asyncio.AbstractEventLoop | None = None

    def is_begun(self) -> bool:
        """Whether it is still waited for; a thread can give up no more from here on."""
        if isinstance(self.future, Future):
            return self.future.set_running_or_notify_cancel()
        return isinstance(self.future, Slot) or not self.future.cancelled()


def tell(batch: Sequence[Waiting], answers: Sequence[Answer]) -> None:
    """Each its own answer, from any thread."""
    of_loops: dict[asyncio.AbstractEventLoop, list[tuple[Waiting, Answer]]] = defaultdict(list)
    for one, answer in zip(batch, answers, strict=True):
        if one.loop is None:
            _settle(one, answer)
        else:
            of_loops[one.loop].append((one, answer))
    for loop, told in of_loops.items():
        with suppress(RuntimeError):  # a loop that has ended has nobody left who waits
            loop.call_soon_threadsafe(settle_all, told)


def settle_all(told: Sequence[tuple[Waiting, Answer]]) -> None:
    """Each its own answer, in the thread of its loop."""
    for one, answer in told:
        _settle(one, answer)


def _settle(one: Waiting, answer: Answer) -> None:
    if isinstance(one.future, Slot):
        one.future.fill(answer)
    elif one.future.done():  # whoever gave up meanwhile hears nothing of it
        pass
    elif isinstance(answer, Exception):
        one.future.set_exception(answer)
    else:
        one.future.set_result(answer)
