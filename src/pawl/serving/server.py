"""Runs the application: a socket, a loop, and an end at which everything that was taken in has been written."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from pawl.errors import InputError, RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.tokens import has_token

__all__ = ["LOCAL_HOSTS", "background_server", "listening", "require_token", "serve_until_stopped"]

LOCAL_HOSTS = ("127.0.0.1", "::1", "localhost")
STOP_SEC = 10
# Longer than the pauses of clients and proxies: whoever closes first makes the other lose a request it is sending.
KEEP_ALIVE_SEC = 75
BACKLOG = 1024


def require_token(ledger: Ledger, host: str) -> None:
    """RefusalError for an address that others reach, while nobody holds a token."""
    if host in LOCAL_HOSTS:
        return
    with ledger.reading() as tx:
        if not has_token(tx):
            raise RefusalError(
                f"no token exists, and {host} can be reached from other machines",
                where="serve",
                fix="make one first: pawl token create NAME; or listen on 127.0.0.1",
            )


def listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on. InputError for an address that cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        raise InputError(
            f"cannot listen on {host}, port {port}: {error}", where="serve", fix="choose another --port or --host"
        ) from error


def serve_until_stopped(app: FastAPI, own: socket.socket) -> None:
    """Serve in this thread until SIGTERM or Ctrl-C; requests that were begun are answered first."""
    # uvicorn raises the signal again once it has stopped; its default would end us before our caller can tidy up.
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        uvicorn.Server(_config(app)).run(sockets=[own])
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def background_server(app: FastAPI, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve in a thread of this process while the block runs; gives the URL, without a slash at its end."""
    own = listening(host, port)
    server = uvicorn.Server(_config(app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [own]}, name="pawl-server")
    thread.start()
    try:
        yield f"http://{host}:{own.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        own.close()


def _config(app: FastAPI) -> uvicorn.Config:
    # Its own access log prints paths with their queries. Our clients send no Date and need no Server header.
    return uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE_SEC,
        timeout_graceful_shutdown=STOP_SEC,
        backlog=BACKLOG,
    )
