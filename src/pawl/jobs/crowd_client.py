"""The crowd's way to the service: HTTP/1.1 over connections that stay open, and nothing else of HTTP than it needs.

A general client costs more processor time a request than the service itself, which a crowd of hundreds would wait for.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from pawl.errors import SourceError

__all__ = ["Answer", "Door", "open_door"]

Answer = tuple[int, dict[str, Any]]


class Door:
    """A few connections to one server, which whoever asks takes in turn."""

    def __init__(self, host: str, port: int, streams: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]) -> None:
        self.address = f"{host}:{port}"
        self._free: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.LifoQueue()
        for each in streams:
            self._free.put_nowait(each)

    async def post(self, path: str, body: Mapping[str, Any], token: str, key: str) -> Answer:
        """Status and JSON of the answer. SourceError for what is no answer."""
        content = json.dumps(body, allow_nan=False).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self.address}\r\nAuthorization: Bearer {token}\r\n"
            f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        reader, writer = await self._free.get()
        try:
            writer.write(head.encode("ascii") + content)
            return await _answer(reader)
        except (OSError, EOFError, ValueError) as error:
            raise SourceError(f"no answer: {error}", where=self.address, fix="see what the server says") from error
        finally:
            self._free.put_nowait((reader, writer))


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    status, *headers = head.decode("latin-1").split("\r\n")
    length = next(int(line[15:]) for line in headers if line[:15].lower() == "content-length:")
    content = await reader.readexactly(length)
    found: dict[str, Any] = json.loads(content)
    return int(status.split(" ", 2)[1]), found


@asynccontextmanager
async def open_door(host: str, port: int, n_connections: int) -> AsyncIterator[Door]:
    """So many open connections to a server."""
    streams = [await asyncio.open_connection(host, port) for _ in range(n_connections)]
    try:
        yield Door(host, port, streams)
    finally:
        for _, writer in streams:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in streams), return_exceptions=True)
