"""What a group gave up is parked among the dead letters of the ledger, and can be published again."""

import logging
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from pawl.events.bus import OnParked, Parked
from pawl.ledger.database import Ledger
from pawl.ledger.dead_letters import Letter, list_letters, park
from pawl.ledger.loop_outbox import publish_again

__all__ = ["deliver_again", "is_of_a_group", "parked_events", "parking"]

LOG = logging.getLogger("pawl.events")
GROUP = "events/"


def parking(ledger: Ledger, now: Callable[[], datetime]) -> OnParked:
    """Parks an event under the worker `events/GROUP`. What cannot be read as one came from elsewhere, and is logged."""

    def park_event(parked: Parked) -> None:
        if parked.event is None:
            facts = {**parked.names, "reason": parked.error}
            said = "%s: %s of %s is no event: %s"
            LOG.error(said, parked.group, parked.item_id, parked.topic, parked.error, extra={"facts": facts})
            return
        with ledger.transaction() as tx:
            park(tx, GROUP + parked.group, parked.item_id, parked.error, parked.attempts, now())

    return park_event


def is_of_a_group(letter: Letter) -> bool:
    """Whether a letter is an event that a group gave up."""
    return letter.worker.startswith(GROUP)


def parked_events(tx: sa.Connection) -> set[UUID]:
    """Events that a person may yet let go from the dead letters."""
    return {UUID(letter.item_id) for letter in list_letters(tx, "parked") if is_of_a_group(letter)}


def deliver_again(tx: sa.Connection, letter: Letter) -> None:
    """Let the event of a letter be published again: groups that have dealt with it know it by its id."""
    publish_again(tx, UUID(letter.item_id))
