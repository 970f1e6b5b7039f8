"""Events are told once, those that fail come again later and later, and nobody waits for them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from decision_events import START, chain, closed, record, told_rows, tracked
from inline_engine import Clock, Inline, paper_world
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.trajectories import Folded
from pawl.errors import RefusalError
from pawl.jobs import trajectory_worker
from pawl.jobs.parked import retry_letter
from pawl.jobs.trajectory_worker import TRAJECTORY_WORKER, trajectory_role
from pawl.ledger.database import Ledger
from pawl.ledger.dead_letters import list_letters
from pawl.ledger.event_tables import event_outbox

QUICK = {"batch_size": 4, "max_attempts": 4, "backoff_base_sec": 10.0, "backoff_max_sec": 3600.0}


def delivery(ledger: Ledger, key: str) -> sa.Row[object]:
    """The delivery of the tracked signal of a chain."""
    (row,) = [tracked(key)]
    with ledger.reading() as tx:
        return tx.execute(sa.select(event_outbox).where(event_outbox.c.event_id == row["event_id"])).one()


def test_pass_r37_a_failing_item_comes_again_later_and_later_and_is_parked_while_later_ones_proceed(
    ledger: Ledger, tmp_path: Path
) -> None:
    with ledger.transaction() as tx:
        record(tx, [tracked("poison", version=2)])
        record(tx, [row for key in ("a", "b", "c") for row in chain(key, START + timedelta(days=1))])
    clock = Clock()
    world = paper_world(ledger, tmp_path, clock, **QUICK)
    engine, role = Inline(world), trajectory_role(world)
    engine.work(role)
    with ledger.reading() as tx:
        assert len(told_rows(tx)) == 3, "the poison is in one batch with them, and holds none of them up"
    waits = []
    while delivery(ledger, "poison").processed_at is None:
        wait = delivery(ledger, "poison").next_attempt_at - clock.now
        waits.append(wait.total_seconds())
        clock.forward(wait - timedelta(seconds=1))
        assert engine.work(role) == [], "it is not tried before its time"
        clock.forward(timedelta(seconds=1))
        assert len(engine.work(role)) == 1
    assert len(waits) == 3
    assert 10 <= waits[0] < 15 <= 20 <= waits[1] < 30 <= 40 <= waits[2] < 60
    with ledger.reading() as tx:
        (letter,) = list_letters(tx)
    assert (letter.worker, letter.attempts, letter.status) == (TRAJECTORY_WORKER, 4, "parked")
    assert letter.item_id == str(tracked("poison")["event_id"])
    assert "an event of version 2" in letter.error
    assert engine.work(role) == []
    assert role.count_waiting() == 0


def test_a_parked_event_is_let_go_once_and_tried_from_the_start(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        record(tx, [tracked("poison", version=2)])
    world = paper_world(ledger, tmp_path, Clock(), **{**QUICK, "max_attempts": 1})
    engine, role = Inline(world), trajectory_role(world)
    engine.work(role)
    with ledger.transaction() as tx:
        (letter,) = list_letters(tx, "parked")
        retry_letter(tx, letter.letter_id, world.now())
    row = delivery(ledger, "poison")
    assert (row.processed_at, row.attempts) == (None, 0)
    with ledger.transaction() as tx, pytest.raises(RefusalError, match="was retried at"):
        retry_letter(tx, letter.letter_id, world.now())
    assert len(engine.work(role)) == 1, "it is taken up again"
    with ledger.reading() as tx:
        assert [(one.letter_id, one.status) for one in list_letters(tx)] == [(letter.letter_id, "parked")]


def test_an_event_that_comes_before_its_decision_is_told_when_that_has_come(ledger: Ledger, tmp_path: Path) -> None:
    clock = Clock()
    world = paper_world(ledger, tmp_path, clock, **QUICK)
    engine, role = Inline(world), trajectory_role(world)
    first, second, third = chain("early")
    with ledger.transaction() as tx:
        record(tx, [third])
    assert engine.work(role) == [{"processed": 0, "failed": 1, "parked": 0}]
    with ledger.transaction() as tx:
        record(tx, [first, second])
    clock.forward(timedelta(minutes=1))
    engine.work(role)
    with ledger.reading() as tx:
        (told,) = told_rows(tx)
    assert told["outcome_features"]["pnl_bps"] == 90.0
    assert role.count_waiting() == 0


def test_what_no_decision_ever_comes_for_is_parked_with_the_reason(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        record(tx, [closed("orphan")])
    world = paper_world(ledger, tmp_path, Clock(), **{**QUICK, "max_attempts": 1})
    Inline(world).work(trajectory_role(world))
    with ledger.reading() as tx:
        assert "has not arrived" in list_letters(tx)[0].error


def test_an_event_that_breaks_the_fold_itself_is_found_among_the_others(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = trajectory_worker.fold_events
    bad = tracked("b")["event_id"]

    def breaks(tx: sa.Connection, ids: Sequence[UUID], settings: PassportSettings, now: datetime) -> Folded:
        if bad in ids:
            raise KeyError("nobody thought of this")
        return real(tx, ids, settings, now)

    monkeypatch.setattr(trajectory_worker, "fold_events", breaks)
    with ledger.transaction() as tx:
        record(tx, [tracked(key) for key in "abcdefg"])
    world = paper_world(ledger, tmp_path, Clock(), **{**QUICK, "batch_size": 100, "max_attempts": 1})
    assert Inline(world).work(trajectory_role(world)) == [{"processed": 6, "failed": 1, "parked": 1}]
    with ledger.reading() as tx:
        assert list_letters(tx)[0].error == "KeyError: 'nobody thought of this'"


def test_a_batch_that_is_given_up_comes_again_an_event_at_a_time(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        ids = record(tx, [tracked(key) for key in "abc"])
    clock = Clock()
    world = paper_world(ledger, tmp_path, clock, **QUICK)
    role = trajectory_role(world)
    with ledger.transaction() as tx:
        role.workflow.give_up(tx, {"events": [str(one) for one in ids]}, "its process died", 4, clock.now)
    engine = Inline(world)
    assert engine.work(role) == []
    clock.forward(timedelta(minutes=1))
    assert engine.work(role) == [{"processed": 1, "failed": 0, "parked": 0}] * 3


def test_a_batch_that_was_delivered_meanwhile_changes_nothing(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        ids = record(tx, chain("a"))
    world = paper_world(ledger, tmp_path, Clock(), **QUICK)
    role = trajectory_role(world)
    Inline(world).work(role)
    with ledger.reading() as tx:
        before = told_rows(tx)
    answer = role.workflow.run(lambda name, act: act(), {"events": [str(one) for one in ids]})
    with ledger.reading() as tx:
        assert (answer["processed"], told_rows(tx)) == (0, before)
