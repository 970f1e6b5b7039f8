"""An operator's act in the log of the loop: written in the act's own transaction, behind the run it came after."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pawl.jobs.live.loop_place import place_reached
from pawl.ledger.deployments import list_deployments
from pawl.ledger.live_log import LiveEntry, log_live
from pawl.ledger.monitored_rows import newest_runs_of

__all__ = ["BEHIND", "loop_instant", "record_act"]

BEHIND = "behind"
"""Key of an act's payload: the run that it came after. An act without it is the loop's own."""


def record_act(tx: sa.Connection, learner: str, name: str, at: datetime, told: Mapping[str, Any]) -> None:
    """Write down what a person did. told: all that it takes to do it again."""
    place = place_reached(tx, learner, at)
    payload = {**told, BEHIND: place.payload}
    log_live(tx, [LiveEntry(learner=learner, at=at, kind="act", name=name, key=str(place.number), payload=payload)])


def loop_instant(tx: sa.Connection, learner: str, now: datetime) -> datetime:
    """The instant that the loop of a learner has reached, on whatever clock: the newest it ran for, or of the newest
    move of its alias, where that is later; `now` where no loop has run.
    """
    reached = max(newest_runs_of(tx, learner).values(), default=None)
    if reached is None:
        return now
    return max([reached, *(one.at for one in list_deployments(tx, learner)[-1:])])
