"""Writes what waits in a room, in batches: on SQLite one after the other, on a server with two on their way at once."""

import logging
import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from pawl.errors import StorageError
from pawl.ledger.direct_writer import BegunWrite, DirectWriter
from pawl.ledger.waiting import Answer, Waiting, tell
from pawl.ledger.waiting_room import WaitingRoom

__all__ = ["MOST_AT_ONCE", "BatchWriter"]

LOG = logging.getLogger("pawl.ledger")
MOST_AT_ONCE = 256
MOST_FLYING = 2  # batches that a server has to do: one is written while it is handed the next
LEAST_CROWD = 8  # a server takes nearly as long for two as for four
SHARE_OF_WRITE, MOST_PATIENCE_SEC = 0.3, 0.003


class _Flight(NamedTuple):
    """A batch on its way."""

    batch: list[Waiting]
    begun: BegunWrite
    began: float


class BatchWriter:
    """Takes what waits in the room, in its order, and tells each what came of it. For one thread, which calls `run`.

    crowd: how many ask lately. write_sec: what a batch takes to be written.
    """

    def __init__(self, writer: DirectWriter, room: WaitingRoom[Waiting]) -> None:
        self._writer, self._room, self._is_beside = writer, room, writer.is_beside
        self.crowd, self.write_sec = 1, 0.0
        # What lies between two who ask; what it takes to begin the write of one; when the last batch was written.
        self._each_sec, self._begin_sec, self._landed = 0.0, 0.0, 0.0
        self._patience_sec = 0.0

    def run(self) -> None:
        """Until the room is closed and empty, whatever fails meanwhile: everybody waits for this thread."""
        flying, looks_ahead, is_open = deque[_Flight](), True, True
        while is_open:
            try:
                is_open = self._turn(flying, looks_ahead=looks_ahead)
                looks_ahead = True
            except Exception:
                LOG.exception("a turn of the ledger's writer failed")
                looks_ahead = False  # what is on its way is answered first
        self._writer.close()

    def _turn(self, flying: "deque[_Flight]", *, looks_ahead: bool) -> bool:
        """Send a batch, or wait for the answer to one; False where nothing comes any more."""
        if flying and not (looks_ahead and self._sends_more(flying)):
            self._land(flying)
            # Whoever was answered together asks again together, but the first of them a little sooner: for the others
            # it is worth a wait that is short beside a flush. One writer alone never waits.
            self._patience_sec = min(SHARE_OF_WRITE * self.write_sec, MOST_PATIENCE_SEC)
            return True
        enough = self.enough
        most = MOST_AT_ONCE if enough == self.crowd else enough
        taken = self._room.take(most=most, crowd=1 if flying else enough, patience_sec=self._patience_sec)
        # Whoever gave up while it waited gets nothing written.
        batch = [one for one in taken if one.is_begun()]
        if batch:
            n_asking = len(batch) + sum(len(one.batch) for one in flying) + len(self._room)
            self.crowd = max(n_asking, self.crowd * 7 // 8)
            self._each_sec = (batch[-1].at - batch[0].at) / len(batch)
            self._start(batch, flying)
        return bool(taken)

    @property
    def enough(self) -> int:
        """How many are worth a write of their own; on a server half of them may be, while the others get ready.

        They are where the whole crowd takes longer to get ready than what two writes cost more than one: about half
        of a write, more for a slow disk, beside which a crowd is soon ready. A crowd of a few is left in one piece.
        """
        if not self._is_beside or self.crowd < LEAST_CROWD:
            return self.crowd
        is_slow = self.write_sec / 2 >= self.crowd * (self._each_sec + self._begin_sec)
        return self.crowd if is_slow else self.crowd // 2

    def _sends_more(self, flying: "deque[_Flight]") -> bool:
        """Whether another batch is there before the answer to the oldest on its way, and may be sent behind it."""
        if not self._is_beside or len(flying) == MOST_FLYING or flying[-1].begun.short is None:
            return False
        answering = self._writer.fileno()
        if answering is None:
            return len(self._room) >= self.enough
        return self._room.gathers(self.enough, answering)

    def _start(self, batch: list[Waiting], flying: "deque[_Flight]") -> None:
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
            tell(flight.batch, answers)
        now = time.monotonic()
        self.write_sec, self._landed = now - max(flight.began, self._landed), now

    def _fail(self, batch: Sequence[Waiting], error: Exception) -> None:
        if isinstance(error, StorageError) or len(batch) == 1:
            tell(batch, [error] * len(batch))
            return
        for one in batch:  # whoever spoilt it stands alone, and the others are written
            try:
                answers: Sequence[Answer] = self._writer.append([one.prepared])
            except Exception as its_own:  # noqa: BLE001 - as above
                answers = [its_own]
            tell([one], answers)
