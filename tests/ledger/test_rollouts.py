"""Rollouts as they are stored: saved only where they still stand as they were read."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from ledger_world import START, day, promoted, trained
from pawl.errors import RefusalError
from pawl.gates.rollout_state import Rollout, Status
from pawl.ids import ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.rollouts import (
    StoredRollout,
    list_rollouts,
    newest_rollout,
    open_rollout,
    running_rollout,
    save_rollout,
)

OLD, NEW = ModelVersion("m002-1.0"), ModelVersion("m002-1.1")
STATE = Rollout(
    plan="default", candidate=NEW, champion=OLD, stage=0, entered_at=START, status=Status.RUNNING, reason="passed"
)


def begun(tx: sa.Connection) -> StoredRollout:
    promoted(tx, OLD, on=1)
    trained(tx, NEW)
    return open_rollout(tx, "m002", STATE, 0.0)


def test_a_rollout_is_read_as_it_was_written(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        stored = begun(tx)
        moved = replace(
            stored, state=replace(STATE, stage=1, entered_at=day(4), reason="better"), share=0.05, updated_at=day(4)
        )
        save_rollout(tx, stored, moved)
    with ledger.reading() as tx:
        assert running_rollout(tx, "m002") == moved
        assert list_rollouts(tx) == list_rollouts(tx, NEW) == [moved]
        assert list_rollouts(tx, OLD) == [] and running_rollout(tx, "reversal") is None


def test_a_step_on_what_was_moved_meanwhile_is_refused(ledger: Ledger) -> None:
    """Two looks at once: the second finds that the first was there."""
    with ledger.transaction() as tx:
        stored = begun(tx)
    first = replace(stored, state=replace(STATE, stage=1, entered_at=day(4)), share=0.05, updated_at=day(4))
    with ledger.transaction() as tx:
        save_rollout(tx, stored, first)
    for change in (first, replace(stored, state=replace(STATE, status=Status.REFUSED))):
        with pytest.raises(RefusalError, match="was moved meanwhile"), ledger.transaction() as tx:
            save_rollout(tx, stored, change)
    with ledger.reading() as tx:
        assert list_rollouts(tx) == [first]


def test_rollouts_of_a_learner_are_numbered_and_the_newest_is_found(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        stored = begun(tx)
        with pytest.raises(RefusalError, match=f"the rollout of `{NEW}` still runs"):
            open_rollout(tx, "m002", STATE, 0.0)
        ended = replace(stored, state=replace(STATE, status=Status.REFUSED), updated_at=day(9))
        save_rollout(tx, stored, ended)
        again = open_rollout(tx, "m002", replace(STATE, entered_at=day(10)), 0.0)
        assert (stored.number, again.number) == (1, 2)
        assert newest_rollout(tx, "m002") == again
        assert newest_rollout(tx, "reversal") is None
