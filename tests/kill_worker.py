"""A worker process that can be killed at any boundary: `python kill_worker.py HOME ROLE [KILL_AT] [LOG]`.

KILL_AT: the number of the boundary (from 1) at which this process kills itself, 0 for none. LOG: a file that every
boundary is written to as it is passed. The ledger is the one that PAWL_DATABASE_URL names, else SQLite in HOME.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from pawl.jobs.roles import roles_named
from pawl.jobs.working import Until, work
from worker_world import world_at


def run(home: Path, role: str, kill_at: int, log: Path | None) -> None:
    """Work until idle, or until the boundary at which to die."""
    n_passed, lock = 0, threading.Lock()

    def observe(boundary: str) -> None:
        nonlocal n_passed
        with lock:
            n_passed += 1
            if log is not None:
                with log.open("a", encoding="utf-8") as file:
                    file.write(boundary + "\n")
            if n_passed == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    world = world_at(home)
    work(world, roles_named(role, world), Until.IDLE, threading.Event(), observe)


if __name__ == "__main__":
    folder, role, kill_at, *rest = sys.argv[1:]
    run(Path(folder), role, int(kill_at), Path(rest[0]) if rest else None)
