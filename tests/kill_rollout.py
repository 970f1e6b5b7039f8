"""Take one step of a rollout, and die by SIGKILL at its n-th statement: python kill_rollout.py HOME STEP N AT."""

import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import event

from pawl.ledger.database import Ledger
from rollout_steps import STEPS


def deadly(number: int) -> Callable[..., None]:
    """What counts statements, and kills this process at one."""
    left = [number]

    def count(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return count


def main() -> None:
    """Die at statement n of the step, for each n that is named; in a fork each, so that one start serves them all."""
    home, step, at = Path(sys.argv[1]), STEPS[sys.argv[2]], datetime.fromisoformat(sys.argv[4])
    numbers = range(1, int(sys.argv[3]) + 1)
    for number in numbers:
        child = os.fork()
        if child == 0:
            ledger = Ledger.open(home)
            event.listen(ledger.engine, "before_cursor_execute", deadly(number))
            step(ledger, at)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(number, os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, flush=True)


if __name__ == "__main__":
    main()
