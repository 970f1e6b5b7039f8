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
_Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Door:
    """A few connections to one server, which whoever asks takes in turn."""

    def __init__(self, host: str, port: int, n_connections: int) -> None:
        self.host, self.port = host, port
        self._free: asyncio.LifoQueue[_Line | None] = asyncio.LifoQueue()
        for _ in range(n_connections):
            self._free.put_nowait(None)

    async def post(self, path: str, body: Mapping[str, Any], token: str, key: str) -> Answer:
        """Status and JSON of the answer. SourceError for what is no answer.

        A server may close a connection on which nothing was asked for long: the request is then sent on a new one,
        which its idempotency key makes safe.
        """
        content = json.dumps(body, allow_nan=False).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nAuthorization: Bearer {token}\r\n"
            f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        sent, line = head.encode("ascii") + content, await self._free.get()
        try:
            answer = None if line is None else await self._asked(line, sent)
            if answer is None:
                line = await asyncio.open_connection(self.host, self.port)
                answer = await self._asked(line, sent)
            if answer is None:
                raise EOFError("the connection was closed")
            return answer
        except (OSError, EOFError, ValueError) as error:
            if line is not None:
                line[1].close()
            line = None
            raise SourceError(f"no answer: {error}", where=f"{self.host}:{self.port}", fix="see its log") from error
        finally:
            self._free.put_nowait(line)

    async def close(self) -> None:
        """Close every connection that nobody uses."""
        while not self._free.empty():
            line = self._free.get_nowait()
            if line is not None:
                line[1].close()
                await asyncio.gather(line[1].wait_closed(), return_exceptions=True)

    async def _asked(self, line: _Line, sent: bytes) -> Answer | None:
        """The answer; None where the connection was closed before it began."""
        reader, writer = line
        writer.write(sent)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()
            return None
        status, *headers = head.decode("latin-1").split("\r\n")
        lengths = [int(each[15:]) for each in headers if each[:15].lower() == "content-length:"]
        if len(lengths) != 1:
            raise ValueError("an answer that does not say its length")
        found: dict[str, Any] = json.loads(await reader.readexactly(lengths[0]))
        return int(status.split(" ", 2)[1]), found


@asynccontextmanager
async def open_door(url: str, n_connections: int) -> AsyncIterator[Door]:
    """So many connections to a server, each opened when it is first needed. url: `http://host:port`."""
    host, _, port = url.removeprefix("http://").partition(":")
    door = Door(host, int(port), n_connections)
    try:
        yield door
    finally:
        await door.close()
