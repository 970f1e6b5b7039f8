"""A real Redis for tests: the one that PAWL_TEST_REDIS_URL names, else a server of one's own that ends with us."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr
from redis import Redis
from redis.exceptions import RedisError

__all__ = ["NO_REDIS", "URL_VARIABLE", "RedisServer", "redis_binary", "run_redis"]

URL_VARIABLE = "PAWL_TEST_REDIS_URL"
NO_REDIS = f"NO REDIS: the event bus was not tested on it. apt-get install redis-server, or set {URL_VARIABLE}"
START_SEC = 30


def redis_binary() -> str | None:
    """The program of a Redis server; None where there is none."""
    return shutil.which("redis-server")


class RedisServer:
    """A server on a port of this machine that keeps it, and its data, when it is stopped and started again."""

    def __init__(self, binary: str, folder: Path, preload: Path | None = None) -> None:
        self._binary, self._folder, self._password = binary, folder, secrets.token_hex(16)
        self._environment = {**os.environ, **({"LD_PRELOAD": str(preload)} if preload else {})}
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> SecretStr:
        """Its address, with the password."""
        return SecretStr(f"redis://:{self._password}@127.0.0.1:{self.port}/0")

    def start(self) -> None:
        """Start it, with what it knew."""
        settings = {"port": self.port, "bind": "127.0.0.1", "dir": self._folder, "requirepass": self._password,
                    "appendonly": "yes", "appendfsync": "everysec", "save": ""}  # fmt: skip
        command = [self._binary, *(part for name, value in settings.items() for part in (f"--{name}", str(value)))]
        if shutil.which("setpriv"):  # the server ends with these tests, even when they are killed
            command = ["setpriv", "--pdeathsig", "KILL", *command]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder, env=self._environment)
        until = time.monotonic() + START_SEC
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"Redis does not start:\n{(self._folder / 'log').read_text()}")
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it; by default as a crash would."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=START_SEC)
            self._process = None

    def pause(self) -> None:
        """Let it hang: it takes connections, and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        with Redis.from_url(self.url.get_secret_value()) as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False


@contextmanager
def run_redis(binary: str, folder: Path, preload: Path | None = None) -> Iterator[RedisServer]:
    """A running server; it ends with the block. preload: a library whose calls go before the system's."""
    server = RedisServer(binary, folder, preload)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
