"""`pawl` as a process that gets a signal behind a run that a test names: SIGTERM, or SIGKILL, which nobody hears.

LOOP_DOOM: hours of the loop's life, the cycle and the signal, as `5.25 positions SIGKILL`; empty for none.
"""

import os
import signal
from datetime import timedelta

import pytest

from lived_acts import hasten, let_pass
from pawl.cli import live_world
from pawl.cli.main import main
from pawl.jobs.live.logs import LoggedLoop
from pawl.jobs.live.watch import Run

__all__: list[str] = []


class Doomed(LoggedLoop):
    """Gets its signal."""

    def ended(self, run: Run) -> None:
        """Told on, and then it may be over."""
        super().ended(run)
        if not os.environ["LOOP_DOOM"]:
            return
        hours, cycle, name = os.environ["LOOP_DOOM"].split()
        passed = run.at - run.at.replace(day=12, hour=0, minute=0)  # lives of `hours.py` begin on a twelfth
        if run.cycle == cycle and passed == timedelta(hours=float(hours)):
            os.kill(os.getpid(), getattr(signal, name))


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patch:
        let_pass(patch)
        hasten(patch, timedelta(minutes=15))
        live_world.LoggedLoop = Doomed
        main()
