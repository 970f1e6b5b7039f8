"""Discord as far as a webhook sees it, on this machine: takes messages by its rules, and misbehaves when told to."""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

__all__ = ["Behaviour", "DiscordServer", "Message", "run_discord"]

Behaviour = Literal["take", "500", "429", "hang"]
MOST_CHARACTERS = 2000
HANG_SEC = 30.0


@dataclass(frozen=True)
class Message:
    """What one request brought. webhook: `ID/TOKEN`. files: name → (type, bytes)."""

    webhook: str
    said: dict[str, Any]
    files: dict[str, tuple[str, bytes]]
    at: float

    @property
    def content(self) -> str:
        """The text."""
        return str(self.said.get("content", ""))


@dataclass
class DiscordServer:
    """behaviours: of the next requests, in order; then it takes everything. taken: what it answered with 204."""

    url: str
    behaviours: deque[Behaviour] = field(default_factory=deque)
    asked: list[Message] = field(default_factory=list)
    taken: list[Message] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def behave(self, *behaviours: Behaviour) -> None:
        """What to do with the next requests."""
        self.behaviours.extend(behaviours)


@contextmanager
def run_discord() -> Iterator[DiscordServer]:
    """A server on a free port; it ends with the block."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    state = DiscordServer(url=f"http://127.0.0.1:{http.server_port}/api/webhooks")
    http.RequestHandlerClass = _handler(state)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.is_over.set()
        http.shutdown()
        http.server_close()
        thread.join()


def _handler(state: DiscordServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            message = _read(self.path, self.headers["Content-Type"], body)
            state.asked.append(message)
            behaviour = state.behaviours.popleft() if state.behaviours else "take"
            if behaviour == "hang":
                state.is_over.wait(HANG_SEC)
                self.close_connection = True
            elif behaviour == "500":
                self._answer(500, {})
            elif behaviour == "429":
                limits = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 1)}
                self._answer(429, {**limits, "Retry-After": "1"})
            elif len(message.content) > MOST_CHARACTERS or not (message.content or message.files):
                self._answer(400, {})
            else:
                state.taken.append(message)
                self._answer(204, {})

        def _answer(self, code: int, headers: dict[str, str]) -> None:
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def _read(path: str, content_type: str, body: bytes) -> Message:
    webhook = path.removeprefix("/api/webhooks/").partition("?")[0]
    if content_type.startswith("application/json"):
        return Message(webhook, json.loads(body), {}, time.monotonic())
    parts = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body).get_payload()
    said: dict[str, Any] = {}
    files: dict[str, tuple[str, bytes]] = {}
    for part in parts:
        assert not isinstance(part, str)
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        if (name := part.get_filename()) is None:
            said = json.loads(data)
        else:
            files[name] = (part.get_content_type(), data)
    return Message(webhook, said, files, time.monotonic())
