"""A loop under faults: its processes, what it stands on, and a plan of what goes wrong when."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import PawlError
from pawl.events.bus import Event
from pawl.events.event_settings import EventSettings
from pawl.events.opening import open_bus
from pawl.ledger.database import LEDGER_FILE, Ledger
from pawl.ledger.loop_tables import TOPICS
from pawl.ledger.signal_tables import trading_signals
from redis_server import RedisServer
from soak_exchange import SoakExchange

__all__ = ["Fault", "Scene", "disk", "listening"]

TESTS = Path(__file__).parent
SETTINGS = f"""
n_jobs = 1
[learners]
tiny = "{TESTS / "soak_learner.py"}"
[events]
bus = "redis"
poll_sec = 0.1
backoff_max_sec = 1.0
[live]
gap_sec = {{gap_sec}}
"""
DISK_MB = 256
STANDSTILL_SEC = 120.0


@dataclass
class Disk:
    """A folder whose disk can be filled: one of its own in memory where we may mount it, else by a limit on files."""

    folder: Path
    is_own: bool

    def fill(self, pids: Sequence[int]) -> None:
        """From now on the processes can write nothing there."""
        if self.is_own:
            with (self.folder / "ballast").open("wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(bytes(4096))
            return
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))

    def free(self, pids: Sequence[int]) -> None:
        """They can again."""
        (self.folder / "ballast").unlink(missing_ok=True)
        for pid in () if self.is_own else pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    """A folder on a small disk; the disk goes with the block."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)]
    is_own = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield Disk(folder, is_own)
    finally:
        if is_own:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@dataclass
class Fault:
    """At this virtual hour `act`, and `after_sec` of real time later `undo`."""

    hour: float
    name: str
    act: Callable[[], None]
    undo: Callable[[], None] = lambda: None
    after_sec: float = 0.0


@dataclass
class Scene:
    """The processes of one loop. url: of a PostgreSQL; None for SQLite in its home."""

    disk: Disk
    exchange: SoakExchange
    redis: RedisServer
    arguments: tuple[str, ...]
    url: str | None = None
    gap_sec: float = 900.0
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    rss: list[tuple[float, float]] = field(default_factory=list)
    injected: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.home / "settings.toml").write_text(SETTINGS.format(gap_sec=self.gap_sec))
        self.turn_clock(0.0)

    @property
    def home(self) -> Path:
        """The workspace."""
        return self.disk.folder

    @property
    def clock(self) -> Path:
        """Beside the disk that fills up, where their answers lie too."""
        return self.home.with_suffix(".clock")

    def turn_clock(self, sec: float) -> None:
        """From now on their time of day is off by so much."""
        fresh = self.clock.with_suffix(".new")
        fresh.write_text(str(sec))
        fresh.replace(self.clock)

    def start(self, role: str) -> None:
        """A process in a role, with what it says in files."""
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PAWL_HOME": str(self.home),
            "PAWL_REDIS_URL": self.redis.url.get_secret_value(),
            "SOAK_EXCHANGE": self.exchange.url,
            "SOAK_CLOCK": str(self.clock),
        }
        environment |= {"PAWL_DATABASE_URL": self.url} if self.url else {}
        command = [sys.executable, str(TESTS / "soak_loop.py"), "up", "tiny", "--data", "simulated", "--port", "0",
                   "--json", "--role", role, *self.arguments]  # fmt: skip
        with self.said(role, "out").open("ab") as out, self.said(role, "err").open("ab") as err:
            self.processes[role] = subprocess.Popen(command, env=environment, stdout=out, stderr=err)

    def said(self, role: str, what: str) -> Path:
        """Where a role says things."""
        return self.home.with_name(f"{self.home.name}.{role}.{what}")

    def kill(self, role: str) -> None:
        """End a role as a crash would, and start it again."""
        self.processes[role].kill()
        self.processes[role].wait()
        self.start(role)

    def pids(self) -> list[int]:
        """Of the processes that run."""
        return [one.pid for one in self.processes.values() if one.poll() is None]

    def ledger(self) -> Ledger:
        """The ledger, for a look."""
        return Ledger(self.url or sa.URL.create("sqlite", database=str(self.home / LEDGER_FILE)))

    def hour(self, start: datetime) -> float:
        """How far it has come, virtual hours; 0 while nobody can say."""
        try:
            if self.url is None and not (self.home / LEDGER_FILE).exists():
                return 0.0
            looked = self.ledger()
            try:
                with looked.reading() as tx:
                    newest = tx.execute(sa.select(sa.func.max(trading_signals.c.created_at))).scalar_one()
            finally:
                looked.close()
        except (PawlError, sa.exc.SQLAlchemyError):
            return 0.0
        return 0.0 if newest is None else (newest - start) / timedelta(hours=1)

    def play(self, start: datetime, faults: Sequence[Fault], until_hour: float, poll_sec: float = 0.2) -> None:
        """Let things go wrong by the plan until every process has ended, and each ended well."""
        waiting, undoing = sorted(faults, key=lambda one: one.hour), list[tuple[float, Fault]]()
        reached, moved = 0.0, time.monotonic()
        while self.pids() or undoing or waiting:
            hour = self.hour(start)
            if hour > reached or undoing:
                reached, moved = max(hour, reached), time.monotonic()
            assert time.monotonic() - moved < STANDSTILL_SEC, f"stands still at hour {reached}: {self.injected}"
            self._sample(reached)
            for due, fault in [one for one in undoing if one[0] <= time.monotonic()]:
                fault.undo()
                undoing.remove((due, fault))
            if waiting and reached >= waiting[0].hour and not undoing:
                fault = waiting.pop(0)
                fault.act()
                self.injected.append(f"{fault.name} at hour {reached:.1f}")
                undoing.append((time.monotonic() + fault.after_sec, fault))
            time.sleep(poll_sec)
        assert not waiting and reached >= until_hour - 1.5, (reached, [one.name for one in waiting])
        for role, process in self.processes.items():
            assert process.returncode == 0, (role, self.said(role, "err").read_text()[-3000:])

    def stop(self) -> None:
        """End whatever still runs."""
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()

    def _sample(self, hour: float) -> None:
        """Resident memory of the first process, MB."""
        process = next(iter(self.processes.values()))
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            return
        lines = [line.split() for line in status.splitlines() if line.startswith("VmRSS")]
        if hour and lines:
            self.rss.append((hour, int(lines[0][1]) / 1024))


@contextmanager
def listening(redis: RedisServer) -> Iterator[list[UUID]]:
    """A consumer of every event: their ids, as often as they come."""
    received: list[UUID] = []

    def take(event: Event) -> None:
        received.append(event.event_id)

    def parked(what: Any) -> None:
        raise AssertionError(what)

    settings = EventSettings(bus="redis", backoff_max_sec=1.0)
    bus = open_bus(settings, redis.url, "soak", parked)
    bus.subscribe(TOPICS, "soak", take)
    try:
        yield received
    finally:
        bus.close()
