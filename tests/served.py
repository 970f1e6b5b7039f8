"""`pawl serve` as a process of its own, on a ledger of one's own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.tokens import create_token

__all__ = ["NOW", "Served", "served"]

COMMAND = [sys.executable, "-c", "from pawl.cli.main import main; main()", "serve", "--json", "--port", "0"]
NOW = datetime(2024, 1, 1, tzinfo=UTC)
SETTINGS = """
[server]
requests_per_sec = 100000
burst = 100000
token_cache_sec = 0.5
[workers.train_every_hours]
m002 = 168
"""


@dataclass(frozen=True)
class Served:
    """A server that runs. url: where. ledger: what it writes to."""

    process: subprocess.Popen[str]
    url: str
    ledger: Ledger
    stderr: Path

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


@contextmanager
def served(home: Path, ledger: Ledger) -> Iterator[Served]:
    """A server while the block runs; ann holds the token `pawl_ann`."""
    home.mkdir()
    with ledger.transaction() as tx:
        create_token(tx, "pawl_ann", identity("user", "ann"), "ann", NOW)
    (home / "settings.toml").write_text(SETTINGS)
    url = ledger.engine.url.render_as_string(hide_password=False)
    log = home / "stderr"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [*COMMAND, "--home", str(home)], stdout=subprocess.PIPE, stderr=stderr, text=True,
            env={**os.environ, "PAWL_DATABASE_URL": url},
        )  # fmt: skip
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, log.read_text()
            yield Served(process, json.loads(line)["url"], ledger, log)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdout.close()
