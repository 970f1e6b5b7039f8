"""One training at a time (REV-R45), across processes, and free again when its holder dies."""

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from ledger_world import address, run_together
from pawl.ledger.database import Ledger
from pawl.ledger.training_lock import training_lock
from pawl.triggers.schedule import SCHEDULES, due_run

HOLD = """
import sys, time
from pawl.ledger.database import Ledger
from pawl.ledger.training_lock import training_lock
ledger = Ledger(sys.argv[1])
with training_lock(ledger):
    began = time.monotonic()
    time.sleep(0.3)
    print(began, time.monotonic(), flush=True)
"""
HANG = """
import sys, time
from pawl.ledger.database import Ledger
from pawl.ledger.training_lock import training_lock
with training_lock(Ledger(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_rev_r45_three_trainings_that_are_due_together_run_one_after_another(ledger: Ledger, tmp_path: Path) -> None:
    printed = run_together(HOLD, [address(ledger)], 3, tmp_path)
    spans = sorted(tuple(float(word) for word in text.split()) for text in printed)
    assert len(spans) == 3
    for (_, end), (begin, _) in pairwise(spans):
        assert end <= begin


def test_rev_r45_on_a_sunday_the_1st_all_three_are_due_once_each_after_an_outage() -> None:
    """Sunday, 1 June 2025; nothing ran since the Friday before, and the machine is back at 03:00."""
    friday, back = datetime(2025, 5, 30, 12, tzinfo=UTC), datetime(2025, 6, 1, 3, tzinfo=UTC)
    names = ("reversal_monthly", "reversal_weekly", "reversal_daily")
    due = [due_run(name, SCHEDULES[name], friday, back) for name in names]
    assert [one.at.hour for one in due if one is not None] == [0, 1, 2]
    assert [one.n_missed for one in due if one is not None] == [0, 0, 1], "of two missed days one is made up for"
    for one in due:
        assert one is not None
        assert due_run(one.name, SCHEDULES[one.name], one.at, back) is None


def test_rev_r41_a_holder_that_is_killed_lets_go(ledger: Ledger) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HANG, address(ledger)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    holder.send_signal(signal.SIGKILL)
    holder.wait(10)
    began = time.monotonic()
    with training_lock(ledger):
        assert time.monotonic() - began < 10
    holder.stdout.close()


def test_an_error_inside_lets_go(ledger: Ledger) -> None:
    for _ in range(2):
        with pytest.raises(RuntimeError), training_lock(ledger):
            raise RuntimeError("broken")


def test_a_ledger_in_memory_needs_none() -> None:
    with training_lock(Ledger("sqlite://")):
        pass
