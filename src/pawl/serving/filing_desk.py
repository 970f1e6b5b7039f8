"""Where the requests of one event loop hand in their inferences: those that come together are filed together."""

import asyncio
from time import monotonic

from pawl.ledger.inference_writer import Entry, Filed, InferenceWriter

__all__ = ["FilingDesk"]

SHARE_OF_WRITE, MOST_PATIENCE_SEC = 0.5, 0.003

Waiting = tuple[Entry, "asyncio.Future[Filed]"]


class FilingDesk:
    """In front of a writer, for one event loop. Nobody is answered before his entry is durable.

    Whoever was answered together asks again together, but the first of them a little sooner: for the others it is worth
    a wait that is short beside a flush. One client alone never waits.
    """

    def __init__(self, writer: InferenceWriter) -> None:
        self.writer = writer
        self._waiting: list[Waiting] = []
        self._crowd, self._patience_sec, self._until = 1, 0.0, 0.0

    async def file(self, entry: Entry) -> Filed:
        """What became of the entry; PawlError where the ledger refuses it."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Filed] = loop.create_future()
        if not self._waiting:
            # Behind every request that this turn of the loop has read: they share the transaction.
            self._until = monotonic() + self._patience_sec
            loop.call_soon(self._look, loop)
        self._waiting.append((entry, done))
        return await done

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if len(self._waiting) < self._crowd and monotonic() < self._until:
            loop.call_soon(self._look, loop)  # another turn reads who has come meanwhile; its timers are too coarse
            return
        began, n_waiting = monotonic(), len(self._waiting)
        self._file_all()
        self._patience_sec = min(SHARE_OF_WRITE * (monotonic() - began), MOST_PATIENCE_SEC)
        self._crowd = max(n_waiting, self._crowd * 7 // 8)

    def _file_all(self) -> None:
        waiting, self._waiting = [one for one in self._waiting if not one[1].done()], []
        if not waiting:
            return
        try:
            filed = self.writer.file_now([entry for entry, _ in waiting])
        except Exception as error:  # noqa: BLE001 - a turn of the loop, for which everybody waits
            for _, done in waiting:
                done.set_exception(error)
            return
        if filed is None:
            for entry, done in waiting:
                _settle(asyncio.wrap_future(self.writer.submit(entry)), done)
            return
        for (_, done), what in zip(waiting, filed, strict=True):
            done.set_result(what)


def _settle(written: "asyncio.Future[Filed]", done: "asyncio.Future[Filed]") -> None:
    """Let one future end as the other did; whoever gave up meanwhile is told nothing."""

    def settle(ended: "asyncio.Future[Filed]") -> None:
        error = ended.exception()
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(ended.result())

    written.add_done_callback(settle)
