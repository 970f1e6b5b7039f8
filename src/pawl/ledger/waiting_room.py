"""Where things wait for the one thread that takes them: it is woken once for all of them, and not by each."""

import threading
from collections.abc import Sequence
from typing import Generic, TypeVar

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
        self._wanted, self._is_closed = 0, False
        self._bell.acquire()

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
        return taken

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
        self._bell.release()
