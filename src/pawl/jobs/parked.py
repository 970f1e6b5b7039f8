"""Letting what was parked be tried again."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from pawl.events.parking import deliver_again, is_of_a_group
from pawl.jobs.trajectory_worker import TRAJECTORY_WORKER
from pawl.ledger.dead_letters import Letter, mark_retried
from pawl.ledger.outbox import put_back

__all__ = ["retry_letter"]


def retry_letter(tx: sa.Connection, letter_id: UUID, now: datetime) -> Letter:
    """Let a parked item be tried again, as if it had never been: an event waits again, one of the loop is published
    again, a run, a version or a report is taken up by its worker at the next look. RefusalError for a letter that was
    retried already.
    """
    letter = mark_retried(tx, letter_id, now)
    if letter.worker == TRAJECTORY_WORKER:
        put_back(tx, UUID(letter.item_id), now)
    if is_of_a_group(letter):
        deliver_again(tx, letter)
    return letter
