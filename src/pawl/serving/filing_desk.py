"""Where the requests of one event loop hand in their inferences: those that come together are filed together."""

import asyncio

from pawl.ledger.inference_writer import Entry, Filed, InferenceWriter

__all__ = ["FilingDesk"]

Waiting = tuple[Entry, "asyncio.Future[Filed]"]


class FilingDesk:
    """In front of a writer, for one event loop. Nobody is answered before his entry is durable."""

    def __init__(self, writer: InferenceWriter) -> None:
        self.writer = writer
        self._waiting: list[Waiting] = []

    async def file(self, entry: Entry) -> Filed:
        """What became of the entry; PawlError where the ledger refuses it."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Filed] = loop.create_future()
        if not self._waiting:
            # Behind every request that this turn of the loop has read: they share the transaction.
            loop.call_soon(self._file_all)
        self._waiting.append((entry, done))
        return await done

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
