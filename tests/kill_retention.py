"""A monthly selection in a process of its own that is killed while it gives files up."""

import os
import signal
from pathlib import Path

from monthly_world import day_of, months
from pawl.jobs.live.monthly_selection import select_monthly

__all__ = ["LATER", "killed_at"]

LATER = day_of("2026-03-15")
"""Three months and more after the old dailies."""


def killed_at(home: Path, n: int) -> None:
    """Select, and be killed at the n-th file that goes."""
    left = n
    unlink = Path.unlink

    def dies(path: Path, missing_ok: bool = False) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        unlink(path, missing_ok)

    Path.unlink = dies  # type: ignore[method-assign,assignment]
    select_monthly(months(home).world(), LATER)
