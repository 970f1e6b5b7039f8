"""What a cycle of the live loop is: a name, when it runs, and what it does at an instant."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pawl.triggers.schedule import Schedule

__all__ = ["Cycle", "Told"]

Told = Mapping[str, Any]
"""What a run did, as JSON: counts and names, for the log and the metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One recurring piece of work.

    run: takes the instant it was due at and dates all that it writes with it; run again for the same instant it changes
    nothing. is_training: it may take long, and only one such runs at a time, so under a real clock it runs beside the
    others. after: cycles whose run of the same instant it reads; in one process the order sees to it. rest: of a
    training, what follows from its effects and changes nothing that the loop decides by, as its report: made, for the
    same instant, when the loop goes on already, and again with the run where the process died before.

    >>> from datetime import timedelta
    >>> from pawl.triggers.schedule import Every
    >>> Cycle(name="positions", schedule=Every(timedelta(minutes=1)), run=lambda at: {"resolved": 0}).is_training
    False
    """

    name: str
    schedule: Schedule
    run: Callable[[datetime], Told]
    is_training: bool = False
    after: tuple[str, ...] = ()
    rest: Callable[[datetime], object] | None = None
