"""An operator's act in the log of the loop: written in the act's own transaction, behind the run it came after."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pawl.jobs.live.loop_place import place_reached
from pawl.jobs.live.run_gate import between_runs
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import list_deployments
from pawl.ledger.live_log import LiveEntry, has_loop, log_live
from pawl.ledger.monitored_rows import newest_runs_of

__all__ = ["BEHIND", "acting", "loop_instant", "note_by_hand", "record_act"]

BEHIND = "behind"
"""Key of an act's payload: the run that it came after. An act without it is the loop's own."""


@contextmanager
def acting(ledger: Ledger, learner: str, now: datetime) -> Iterator[datetime]:
    """The instant of an act that happens inside: while it lasts the loop of the learner waits, so that the whole act is
    behind one run and before the next. now: the time of day, where no loop has run. The caller holds no transaction.
    """
    with between_runs(ledger, learner):
        with ledger.reading() as tx:
            at = loop_instant(tx, learner, now)
        yield at


def record_act(tx: sa.Connection, learner: str, name: str, at: datetime, told: Mapping[str, Any]) -> None:
    """Write down what a person did. told: all that it takes to do it again."""
    place = place_reached(tx, learner, at)
    payload = {**told, BEHIND: place.payload}
    log_live(tx, [LiveEntry(learner=learner, at=at, kind="act", name=name, key=str(place.number), payload=payload)])


def note_by_hand(ledger: Ledger, learner: str, now: datetime) -> None:
    """Write down, where a loop of the learner lives, that a person begins a training beside it."""
    with ledger.reading() as tx:
        if not has_loop(tx, learner):
            return
    with acting(ledger, learner, now) as at, ledger.transaction() as tx:
        record_act(tx, learner, "train", at, {"by": "pawl train"})


def loop_instant(tx: sa.Connection, learner: str, now: datetime) -> datetime:
    """The instant that the loop of a learner has reached, on whatever clock: the newest it ran for, or of the newest
    move of its alias, where that is later; `now` where no loop has run.
    """
    reached = max(newest_runs_of(tx, learner).values(), default=None)
    if reached is None:
        return now
    return max([reached, *(one.at for one in list_deployments(tx, learner)[-1:])])
