"""The outermost layer of the server: no body larger than its limit, and one line of log a request.

A line names the route and never the path, for a path holds whatever a client put there; no query, header or body is in
it.
"""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["ACCESS_LOG", "BoundedBody", "Edge", "log_request", "log_to_stderr"]

ACCESS_LOG = logging.getLogger("pawl.access")


def log_to_stderr() -> None:
    """Let the access log appear: JSON lines on stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    ACCESS_LOG.handlers = [handler]
    ACCESS_LOG.setLevel(logging.INFO)
    ACCESS_LOG.propagate = False


class Edge:
    """Wraps an application. max_body_bytes: of a request, whether it says its length or not. clock: seconds."""

    def __init__(
        self, app: ASGIApp, max_body_bytes: int, now: Callable[[], datetime], clock: Callable[[], float]
    ) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes
        self.now = now
        self.clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand one request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = self.clock(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, BoundedBody(receive, self.max_body_bytes, scope), noted)
        finally:
            if ACCESS_LOG.isEnabledFor(logging.INFO):
                route = getattr(scope.get("route"), "path", None)
                log_request(self.now(), scope["method"], route, status, self.clock() - started)


def log_request(at: datetime, method: str, route: str | None, status: int, seconds: float) -> None:
    """Write the line of one request."""
    line = {
        "at": at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "method": method,
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 2),
    }
    ACCESS_LOG.info(json.dumps(line))


class BoundedBody:
    """The body of a request as it comes, up to a limit."""

    def __init__(self, receive: Receive, limit: int, scope: Scope) -> None:
        self.receive = receive
        self.left = limit
        stated = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        self.is_too_large = stated.isdigit() and int(stated[:20]) > limit

    async def __call__(self) -> Message:
        """The next piece; HTTPException 413 once it is too much, before a byte where the length says so."""
        if self.is_too_large:
            raise HTTPException(413)
        message = await self.receive()
        self.left -= len(message.get("body", b""))
        if self.left < 0:
            self.is_too_large = True
            raise HTTPException(413)
        return message
