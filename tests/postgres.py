"""A real PostgreSQL for tests: the one that PAWL_TEST_POSTGRES_URL names, else a server of one's own that ends with us.

Every test gets a database of its own, copied from a migrated template.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import sqlalchemy as sa

__all__ = [
    "DATABASES",
    "URL_VARIABLE",
    "Databases",
    "PostgresServer",
    "postgres_binaries",
    "run_postgres",
    "run_server",
]

DATABASES = ("sqlite", "postgresql")
URL_VARIABLE = "PAWL_TEST_POSTGRES_URL"
USER = "postgres"
START_SEC = 60
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 512 * 2**20
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # nobody measures this server, and nothing on it outlives the tests
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "shared_buffers": "16MB",
    "max_connections": "30",
    "max_wal_size": "64MB",
    "timezone": "Asia/Kathmandu",  # a quarter of an hour off everybody else's: whoever forgets a zone is seen
}


def postgres_binaries() -> Path | None:
    """The folder of a PostgreSQL's programs that we can run; None where there is none.

    Debian keeps them out of the PATH; and root may not run them, so root needs the user `postgres`.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("postgres")
    binary = found[-1] if found else Path(on_path).resolve() if on_path else None
    if binary is None or (os.geteuid() == 0 and not _has_user()):
        return None
    return binary.parent


class PostgresServer:
    """A server that keeps its port, and its data, when it is stopped and started again. url: of its superuser."""

    def __init__(self, binaries: Path, folder: Path, url: sa.URL, options: Mapping[str, str]) -> None:
        self._binaries, self._folder, self._options = binaries, folder, options
        self._process, self.url = _started(binaries, folder, url, options)

    def stop(self) -> None:
        """End it at once, as a crash would."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(timeout=START_SEC)

    def start(self) -> None:
        """Start it again, with what it knew."""
        self._process = _start(self._binaries, self._folder, self.url, self._options)
        if not _answers(self._process, self.url):
            raise RuntimeError(f"PostgreSQL does not start again:\n{(self._folder / 'log').read_text()}")


@contextmanager
def run_server(binaries: Path) -> Iterator[sa.URL]:
    """A new server on a free port of this machine alone, as the superuser of it. Its folder goes when it stops."""
    with run_postgres(binaries) as server:
        yield server.url


@contextmanager
def run_postgres(binaries: Path, options: Mapping[str, str] | None = None) -> Iterator[PostgresServer]:
    """The same, for who stops and starts it. options: beside ours, such as a commit that is there after a crash."""
    password = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="pawl-postgres-", dir=_roomy_memory()) as name:
        folder, data = Path(name), Path(name) / "data"
        (folder / "password").write_text(password)
        for path in (folder, folder / "password"):
            _give(path)
        # ICU, because it orders texts as a dictionary does: whoever relies on the order of bytes is seen.
        _run([f"{binaries}/initdb", "--pgdata", str(data), "--username", USER, "--pwfile", f"{folder}/password",
              "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--locale-provider", "icu",
              "--icu-locale", "en-US", "--no-sync"])  # fmt: skip
        url = sa.URL.create("postgresql+psycopg", USER, password, "127.0.0.1")
        server = PostgresServer(binaries, folder, url, options or {})
        try:
            yield server
        finally:
            server.stop()  # at once: nothing in it is worth saving


class Databases:
    """Databases of this process on a server: copies of templates, and none of them is left behind."""

    def __init__(self, url: sa.URL) -> None:
        self.url = url
        self._admin = sa.create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
        self._names = (f"pawl_test_{os.getpid()}_{number}" for number in count())

    def create(self, template: sa.URL | None = None) -> sa.URL:
        """A new database, a copy of the template or empty."""
        name = next(self._names)
        source = "template0" if template is None else template.database
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {source}")
        return self.url.set(database=name)

    def drop(self, url: sa.URL) -> None:
        """Remove a database, whoever is still connected to it."""
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {url.database} WITH (FORCE)")

    def close(self) -> None:
        """Let go of the server."""
        self._admin.dispose()


def _roomy_memory() -> Path | None:
    # A new database is a copy of 300 files: 0.02 s in memory, and 0.2 to 0.4 s on a busy disk. A server takes 150 MB.
    is_roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES
    return MEMORY if is_roomy else None


def _started(
    binaries: Path, folder: Path, url: sa.URL, options: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], sa.URL]:
    # Between finding a free port and using it another process may take it.
    for _ in range(3):
        placed = url.set(port=_free_port(), database=USER)
        server = _start(binaries, folder, placed, options)
        if _answers(server, placed):
            return server, placed
    raise RuntimeError(f"PostgreSQL does not start:\n{(folder / 'log').read_text()}")


def _start(binaries: Path, folder: Path, url: sa.URL, options: Mapping[str, str]) -> subprocess.Popen[bytes]:
    settings = [f"--{name}={value}" for name, value in {**OPTIONS, **options, "port": url.port}.items()]
    command = [f"{binaries}/postgres", "-D", f"{folder}/data", *settings]
    if shutil.which("setpriv"):  # the server ends with these tests, even when they are killed
        command = ["setpriv", "--pdeathsig", "QUIT", *command]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **_as_user())


def _answers(server: subprocess.Popen[bytes], url: sa.URL) -> bool:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    until = time.monotonic() + START_SEC
    while server.poll() is None and time.monotonic() < until:
        try:
            engine.connect().close()
        except sa.exc.OperationalError:
            time.sleep(0.05)
        else:
            return True
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **_as_user())
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _as_user() -> dict[str, str]:
    return {"user": USER, "group": USER} if os.geteuid() == 0 else {}


def _give(path: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, USER, USER)


def _has_user() -> bool:
    import pwd

    return any(entry.pw_name == USER for entry in pwd.getpwall())
