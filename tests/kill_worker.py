"""A worker process that kills itself at a boundary: `python kill_worker.py HOME ROLE LOG [BOUNDARY...]`.

LOG: a file that every boundary is written to as it is passed. BOUNDARY: `NAME` or `NAME*N` for its N-th passing; the
process dies by SIGKILL at the first that it comes to. The ledger is the one that PAWL_DATABASE_URL names, else SQLite.
"""

import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pawl.jobs.roles import roles_named
from pawl.jobs.working import Until, work
from worker_world import world_at


def run(home: Path, role: str, log: Path, deadly: Sequence[str]) -> None:
    """Work until idle, or until a boundary at which to die."""
    passed: Counter[str] = Counter()
    lock = threading.Lock()

    def observe(boundary: str) -> None:
        with lock, log.open("a", encoding="utf-8") as file:
            passed[boundary] += 1
            file.write(f"{boundary}\n")
            file.flush()
            if {boundary, f"{boundary}*{passed[boundary]}"} & {*deadly}:
                os.kill(os.getpid(), signal.SIGKILL)

    world = world_at(home)
    wait_at_gate(home)
    work(world, roles_named(role, world), Until.IDLE, threading.Event(), observe)


def wait_at_gate(home: Path) -> None:
    """Where a file `gate` stands, say that this process is ready, and wait until it is taken away."""
    if (home / "gate").exists():
        (home / f"ready-{os.getpid()}").touch()
    while (home / "gate").exists():
        time.sleep(0.005)


if __name__ == "__main__":
    folder, role, log, *deadly = sys.argv[1:]
    run(Path(folder), role, Path(log), deadly)
