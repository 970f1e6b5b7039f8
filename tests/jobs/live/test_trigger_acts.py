"""What a person does about triggers, in the ledger; the commands are tested in tests/cli/test_trigger_acts.py."""

import pytest
import sqlalchemy as sa

from ledger_world import day
from pawl.errors import RefusalError
from pawl.jobs.live.act_record import loop_instant
from pawl.jobs.live.trigger_acts import ask_for_training, pause_by_hand, resume_by_hand
from pawl.ledger.database import Ledger
from pawl.ledger.loop_tables import loop_outbox
from pawl.ledger.schedule_runs import take_up
from pawl.ledger.trigger_firings import NewFiring, is_paused, record_firing, waiting


def test_the_loop_has_an_instant_of_its_own(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        assert loop_instant(tx, "m002", day(9)) == day(9)
        take_up(tx, "live m002 positions", day(3), day(3))
        take_up(tx, "live m002 signals", day(2), day(2))
        take_up(tx, "live m0021 signals", day(8), day(8))  # another learner's
        assert loop_instant(tx, "m002", day(9)) == day(3)


def test_a_resumption_ends_every_pause_and_tells_each(ledger: Ledger) -> None:
    wild = NewFiring(learner="m002", kind="extreme_conditions", effect="pause", at=day(1), reason="wild")
    with ledger.transaction() as tx:
        record_firing(tx, wild)
        pause_by_hand(tx, "m002", "holiday", "pawl triggers", day(2))
        assert {one.kind for one in resume_by_hand(tx, "m002", "back", "pawl triggers", day(3))} == {
            "extreme_conditions", "by_hand",
        }  # fmt: skip
        assert not is_paused(tx, "m002", day(3))
        over = [row["about"] for row in tx.execute(sa.select(loop_outbox.c.payload)).scalars() if row["is_over"]]
        assert len(over) == 2
        with pytest.raises(RefusalError, match="nothing pauses"):
            resume_by_hand(tx, "m002", "back", "pawl triggers", day(3))


def test_a_pause_by_hand_stands_until_it_is_lifted(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        pause_by_hand(tx, "m002", "holiday", "pawl triggers", day(2))
        with pytest.raises(RefusalError, match="paused by hand since"):
            pause_by_hand(tx, "m002", "holiday", "pawl triggers", day(4))
        assert is_paused(tx, "m002", day(400))


def test_a_training_is_asked_for_once_an_instant(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        ask_for_training(tx, "m002", "new data", "pawl triggers", day(2))
        with pytest.raises(RefusalError, match="asked for"):
            ask_for_training(tx, "m002", "new data", "pawl triggers", day(2))
        assert len(waiting(tx, "m002")) == 1
