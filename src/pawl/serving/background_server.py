"""An application served on a free port of this machine, from a thread, for as long as a block lasts."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from time import monotonic, sleep

import uvicorn
from fastapi import FastAPI

from pawl.errors import StorageError

__all__ = ["HOST", "serve_in_background"]

HOST = "127.0.0.1"
START_WITHIN_SEC = 30.0


@contextmanager
def serve_in_background(app: FastAPI) -> Iterator[int]:
    """Serve, and give the port. StorageError where the server does not come up."""
    # With the protocol named: asyncio turns Nagle's delay (40 ms an answer) off only where it sees that this is TCP.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_keep_alive=3600)
        server = uvicorn.Server(config)
        thread = Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), name="pawl-server")
        thread.start()
        try:
            _wait_until_it_answers(server, thread)
            yield port
        finally:
            server.should_exit = True
            thread.join()


def _wait_until_it_answers(server: uvicorn.Server, thread: Thread) -> None:
    give_up_at = monotonic() + START_WITHIN_SEC
    while not server.started:
        if not thread.is_alive() or monotonic() > give_up_at:
            raise StorageError("the server does not come up", where=HOST, fix="see what it says, then try again")
        sleep(0.01)
