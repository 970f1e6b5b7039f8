"""Whose turn it is to change what the loop decides by: the loop's own, a cycle at a time, or one training's."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pawl.jobs.live.run_gate import RunGate

__all__ = ["Turn"]

LOOK_SEC = 0.02


class Turn:
    """One at a time. A training works beside the loop and takes the turn for its effects alone, so that every run of a
    cycle lies wholly before them or wholly behind them, and both can be put in one order. gate: which acts from outside
    of this process pass as well; None where there are none, as in a life that is played.

    >>> turn = Turn()
    >>> turn.take(), turn.take(), turn.end()  # taken twice is taken once
    (None, None, None)
    """

    def __init__(self, gate: RunGate | None = None) -> None:
        self._gate = gate
        self._lock = threading.RLock()
        self._wanted = threading.Event()
        self._holder: int | None = None

    @contextmanager
    def of_the_loop(self) -> Iterator[None]:
        """A run of a cycle."""
        with self._lock:
            self._enter()
            try:
                yield
            finally:
                self._leave()

    def take(self) -> None:
        """Wait for the turn, and keep it until `end`. The caller holds no transaction."""
        if self._holder == threading.get_ident():
            return
        self._wanted.set()
        self._lock.acquire()
        try:
            self._enter()
        except BaseException:
            self._wanted.clear()
            self._lock.release()
            raise
        self._holder = threading.get_ident()

    def end(self) -> None:
        """Give back what this thread has taken, if it has."""
        if self._holder == threading.get_ident():
            self._holder = None
            self._wanted.clear()
            self._leave()
            self._lock.release()

    def until_wanted(self, training: threading.Thread) -> None:
        """Wait, as the loop, until a training asks for the turn or has ended."""
        while training.is_alive() and not self._wanted.wait(LOOK_SEC):
            pass

    def give_way(self, training: threading.Thread) -> None:
        """Let a training take effect, as the loop that holds the turn, and wait for its end."""
        self._lock.release()
        training.join()
        self._lock.acquire()

    def _enter(self) -> None:
        if self._gate is not None:
            self._gate.enter()

    def _leave(self) -> None:
        if self._gate is not None:
            self._gate.leave()
