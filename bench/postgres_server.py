"""A PostgreSQL server of a benchmark's own, and `pgbench` against it."""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

__all__ = ["pgbench", "server"]

POSTGRES = {"fsync": "on", "synchronous_commit": "on", "max_wal_size": "2GB", "unix_socket_directories": ""}


def pgbench(url: sa.URL, binaries: Path, folder: Path, n: int, seconds: float) -> float:
    """Transactions a second of n clients that insert a row each."""
    command = [
        binaries / "pgbench", "-h", url.host, "-p", str(url.port), "-U", url.username, "-n", "-M", "prepared",
        "-c", str(n), "-j", str(min(n, 2)), "-T", str(max(1, round(seconds))),
        "-f", folder / "insert.sql", url.database,
    ]  # fmt: skip
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=True,
        env={**os.environ, "PGPASSWORD": str(url.password)},
    )  # fmt: skip
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("tps ="))
    return float(line.split()[2])


@contextmanager
def server(folder: Path) -> Iterator[tuple[sa.URL, Path]]:
    """A server with its data in the folder, and the folder of its programs."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
    who: dict[str, Any] = {"user": "postgres", "group": "postgres", "cwd": "/"} if os.geteuid() == 0 else {}
    if who:
        folder.chmod(0o755)
        shutil.chown(folder, "postgres", "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    data, password = folder / "postgresql", secrets.token_hex(16)
    (folder / "password").write_text(password)
    (folder / "password").chmod(0o644)
    subprocess.run([binaries / "initdb", "-D", data, "-U", "postgres", "--pwfile", folder / "password",
                    "-A", "scram-sha-256"], check=True, capture_output=True, **who)  # fmt: skip
    options = [f"--{name}={value}" for name, value in {**POSTGRES, "port": port}.items()]
    running = subprocess.Popen([binaries / "postgres", "-D", data, *options], stderr=subprocess.DEVNULL, **who)
    url = sa.URL.create("postgresql+psycopg", "postgres", password, "127.0.0.1", port, "postgres")
    try:
        _wait_for(url)
        yield url, binaries
    finally:
        running.terminate()
        running.wait()


def _wait_for(url: sa.URL) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    for _ in range(600):
        try:
            return engine.connect().close()
        except sa.exc.OperationalError:
            time.sleep(0.1)
    raise SystemExit("PostgreSQL does not start")
