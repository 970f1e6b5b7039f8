"""Where things wait for the one thread that takes them: it is woken once for all of them, and not by each."""

import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from pawl.ledger.readable import wait_readable

__all__ = ["WaitingRoom"]

Thing = TypeVar("Thing")


class WaitingRoom(Generic[Thing]):
    """Any number of threads put, and one takes. A queue would wake the taker for each: dearer than what they bring.

    >>> room = WaitingRoom[str]()
    >>> room.put(["a", "b", "c"])
    True
    >>> room.take(most=2), room.take(most=2)
    (['a', 'b'], ['c'])
    >>> room.close()
    >>> room.take(most=2), room.put(["late"])
    ([], False)
    """

    def __init__(self) -> None:
        self._door, self._bell = threading.Lock(), threading.Lock()
        self._inside: list[Thing] = []
        self._alarm: _Alarm | None = None
        self._wanted, self._is_closed, self._is_beside = 0, False, False
        self._bell.acquire()

    def __len__(self) -> int:
        return len(self._inside)

    def put(self, things: Sequence[Thing]) -> bool:
        """Let them wait behind the others; False where the room is closed."""
        with self._door:
            if self._is_closed:
                return False
            self._inside += things
            if self._wanted and len(self._inside) >= self._wanted:
                self._ring()
            return True

    def take(self, *, most: int, crowd: int = 1, patience_sec: float = 0.0) -> list[Thing]:
        """The first of what waits; at least one, but for a closed room that is empty.

        most: no more than so many. crowd: how many are worth to be waited for, so long, once the first is here.
        """
        self._wait_for(1, -1)
        if crowd > 1 and patience_sec > 0:
            self._wait_for(min(crowd, most), patience_sec)
        with self._door:
            taken, self._inside = self._inside[:most], self._inside[most:]
            if not taken and self._alarm is not None:
                self._alarm.close()
                self._alarm = None
        return taken

    def gathers(self, n: int, beside: int) -> bool:
        """Whether n wait, or all that will come, before `beside` has something to read. beside: a file descriptor."""
        with self._door:
            if self._is_closed or len(self._inside) >= n:
                return bool(self._inside)
            if self._alarm is None:
                try:
                    self._alarm = _Alarm()
                except OSError:  # no file can be opened: what comes waits until the answer is here
                    return False
            alarm = self._alarm
            self._wanted, self._is_beside = n, True
        alarm.wait(beside)
        with self._door:
            self._wanted, self._is_beside = 0, False
            alarm.quiet()
            return len(self._inside) >= n or (self._is_closed and bool(self._inside))

    def close(self) -> None:
        """Take in nothing more; what waits can still be taken."""
        with self._door:
            self._is_closed = True
            if self._wanted:
                self._ring()

    def _wait_for(self, n: int, sec: float) -> None:
        with self._door:
            if self._is_closed or len(self._inside) >= n:
                return
            self._wanted = n
        if self._bell.acquire(timeout=sec):
            return
        with self._door:
            if not self._wanted:  # it rang in the last moment
                self._bell.acquire()
            self._wanted = 0

    def _ring(self) -> None:
        self._wanted = 0
        if self._is_beside and self._alarm is not None:
            self._alarm.ring()
        else:
            self._bell.release()


class _Alarm:
    """A bell that can be waited for together with something else."""

    def __init__(self) -> None:
        self._inner, self._outer = socket.socketpair()
        self._inner.settimeout(0)

    def ring(self) -> None:
        self._outer.send(b"!")

    def wait(self, beside: int) -> None:
        """Until it rings, or `beside` has something to read."""
        wait_readable(self._inner.fileno(), beside)

    def quiet(self) -> None:
        """As if it had not rung."""
        with suppress(BlockingIOError):
            self._inner.recv(64)

    def close(self) -> None:
        self._inner.close()
        self._outer.close()
