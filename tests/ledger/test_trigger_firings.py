"""Firings: written once, changed in their later columns alone; pauses that hold, end and are told apart by clock."""

import math
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ledger_world import day, trained
from pawl.errors import RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.schema import step_back
from pawl.ledger.trigger_firings import (
    BY_HAND,
    NewFiring,
    answer,
    end_firing,
    end_pause,
    is_paused,
    last_fired,
    list_firings,
    open_firings,
    record_firing,
    record_worth,
    renew,
    waiting,
)
from pawl.ledger.trigger_tables import trigger_firings

PAUSE = NewFiring(
    learner="m002",
    kind="extreme_conditions",
    effect="pause",
    at=day(1),
    values={"volatility_ratio": 3.5},
    reason="wild",
)
RETRAIN = NewFiring(
    learner="m002", kind="regime_change", effect="retrain", at=day(1), values={"ratio": math.nan}, reason="calm no more"
)


def test_a_firing_is_written_once_with_its_values(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        assert record_firing(tx, RETRAIN)
        assert not record_firing(tx, RETRAIN)
        (stored,) = list_firings(tx)
        assert stored.values == {"ratio": None}  # what could not be measured
        assert (stored.at, stored.reason, stored.fired_by, stored.is_open) == (
            day(1),
            "calm no more",
            "triggers",
            False,
        )
        assert last_fired(tx, "m002") == {"regime_change": day(1)}
        assert last_fired(tx, "reversal") == {}


@pytest.mark.parametrize("column", ["at", "values", "reason", "kind", "fired_by"])
def test_what_a_firing_says_never_changes(ledger: Ledger, column: str) -> None:
    with ledger.transaction() as tx:
        record_firing(tx, RETRAIN)
    with pytest.raises(RefusalError, match="append-only"), ledger.transaction() as tx:
        tx.execute(sa.update(trigger_firings).values({column: trigger_firings.c[column]}))
    with pytest.raises(RefusalError, match="append-only"), ledger.transaction() as tx:
        tx.execute(sa.delete(trigger_firings))


def test_a_pause_holds_from_its_instant_to_its_end(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        record_firing(tx, PAUSE)
        assert is_paused(tx, "m002", day(1)) and is_paused(tx, "m002", day(9))
        assert not is_paused(tx, "m002", day(0))
        assert not is_paused(tx, "reversal", day(1))
        renew(tx, PAUSE.firing_id, day(2))
        renew(tx, PAUSE.firing_id, day(1))  # an older look comes too late
        assert open_firings(tx, "m002")["extreme_conditions"].lasted_until == day(2)
        assert end_firing(tx, PAUSE.firing_id, day(3), "triggers", "a calm day")
        assert not end_firing(tx, PAUSE.firing_id, day(4), "triggers", "again")
        assert is_paused(tx, "m002", day(2)) and not is_paused(tx, "m002", day(3))
        assert open_firings(tx, "m002") == {}


def test_what_a_person_pauses_or_resumes_holds_at_once_whatever_the_clocks(ledger: Ledger) -> None:
    later = day(900)  # the loop lives years before the person
    by_hand = NewFiring(learner="m002", kind=BY_HAND, effect="pause", at=later, reason="holiday", by="pawl triggers")
    with ledger.transaction() as tx:
        record_firing(tx, by_hand)
        assert is_paused(tx, "m002", day(1))
        record_firing(tx, PAUSE)
        ended = end_pause(tx, "m002", later + timedelta(hours=1), "pawl triggers", "back")
        assert {one.kind for one in ended} == {BY_HAND, "extreme_conditions"}
        assert not is_paused(tx, "m002", day(1))
        assert end_pause(tx, "m002", later, "pawl triggers", "again") == []


def test_of_one_kind_one_pause_lasts_at_a_time(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        record_firing(tx, PAUSE)
    another = NewFiring(learner="m002", kind=PAUSE.kind, effect="pause", at=day(2), reason="wild still")
    with pytest.raises(RefusalError, match=r"(?i)unique"), ledger.transaction() as tx:
        record_firing(tx, another)


def test_one_training_answers_all_that_wait(ledger: Ledger) -> None:
    drop = NewFiring(learner="m002", kind="win_rate_drop", effect="retrain", at=day(2), reason="fewer wins")
    with ledger.transaction() as tx:
        job_id = trained(tx, "m002-1.0")
        other = trained(tx, "m002-1.1")
        record_firing(tx, drop)
        record_firing(tx, RETRAIN)
        record_firing(tx, PAUSE)
        assert [one.kind for one in waiting(tx, "m002")] == ["regime_change", "win_rate_drop"]
        answer(tx, [one.firing_id for one in waiting(tx, "m002")], job_id)
        assert waiting(tx, "m002") == []
        answer(tx, [RETRAIN.firing_id], other)
        assert {one.train_job_id for one in list_firings(tx, "m002") if one.effect == "retrain"} == {job_id}


def test_worth_is_written_when_it_is_new(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        record_firing(tx, RETRAIN)
        assert record_worth(tx, RETRAIN.firing_id, {"mean_bps": 1.5}, day(20))
        assert not record_worth(tx, RETRAIN.firing_id, {"mean_bps": 1.5}, day(21))
        (stored,) = list_firings(tx)
        assert (stored.worth, stored.worth_at) == ({"mean_bps": 1.5}, day(20))


def test_a_step_back_with_firings_is_refused_and_without_them_goes(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        step_back(tx, "r0003")
        assert not sa.inspect(tx).has_table("trigger_firings")
    ledger.make_current()
    with ledger.transaction() as tx:
        record_firing(tx, RETRAIN)
    with pytest.raises(RefusalError, match="trigger_firings"), ledger.transaction() as tx:
        step_back(tx, "r0003")
