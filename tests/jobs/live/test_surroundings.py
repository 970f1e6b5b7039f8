"""A ledger as a training sees it: outcomes, running tests, the log, and what the skipped days come to."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pawl.gates.policy_gate import GateSettings
from pawl.ids import ModelVersion
from pawl.jobs.live import surroundings
from pawl.jobs.live.daily_update import BY as DAILY
from pawl.jobs.live.daily_update import update_daily_version
from pawl.jobs.live.full_training import ON_SCHEDULE, train_full
from pawl.jobs.live.surroundings import (
    TrainingCounts,
    has_running_test,
    outcomes_between,
    surroundings_of,
    training_counts,
)
from pawl.jobs.live.training_world import Surroundings, say_nothing
from pawl.learners.reversal_daily import OUTCOME_SCHEMA
from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import LiveEntry, live_entries, log_live
from pawl.ledger.signals import NewSignal, SignalOutcome, record_signals, resolve_signal
from training_world import SUNDAY, THURSDAY, SmallWorld, first_world

FIRST = ModelVersion("reversal-3.3")


def around(world: SmallWorld, begun: list[Any]) -> Surroundings:
    return surroundings_of(
        "reversal",
        GateSettings(),
        is_paused=lambda tx, name, at: False,
        begin_rollout=lambda version, at: begun.append(version),
    )


@pytest.fixture
def world(ledger: Ledger, tmp_path: Path) -> SmallWorld:
    return first_world(tmp_path / "home", ledger)


def signal(ticker: str, hours: int) -> NewSignal:
    return NewSignal(
        pair=ticker, timeframe="15m", bar_timestamp=THURSDAY - timedelta(hours=hours), model_version=FIRST,
        learner="reversal", signal="buy", confidence=0.7, features_hash="f", trace_id="t",
    )  # fmt: skip


def test_rev_r15_outcomes_are_found_by_when_they_were_resolved(world: SmallWorld) -> None:
    old, young, waiting = signal("EURUSD", 72), signal("USDJPY", 30), signal("EURUSD", 2)
    won = SignalOutcome(outcome="win", pnl=0.001, source="virtual")
    with world.ledger.transaction() as tx:
        record_signals(tx, [old, young, waiting], THURSDAY - timedelta(hours=72))
        resolve_signal(tx, old.id, won, THURSDAY - timedelta(hours=3))
        resolve_signal(tx, young.id, won, THURSDAY - timedelta(hours=25))
    with world.ledger.reading() as tx:
        found = outcomes_between(tx, "reversal", THURSDAY - timedelta(days=1), THURSDAY)
    assert found.schema == OUTCOME_SCHEMA
    assert found.rows() == [("EURUSD", old.bar_timestamp, "win", THURSDAY - timedelta(hours=3))]


def test_rev_r32_a_test_of_the_ledger_holds_the_daily_update(world: SmallWorld) -> None:
    begun: list[Any] = []
    train_full(world, around(world, begun), SUNDAY, ON_SCHEDULE)
    with world.ledger.transaction() as tx:
        assert not has_running_test(tx, "reversal")
        tx.execute(
            sa.insert(ab_tests).values(
                test_name="weekly", model_a_version=FIRST, model_b_version=begun[0], start_date=SUNDAY,
                end_date=SUNDAY + timedelta(days=7), learner="reversal",
            )
        )  # fmt: skip
        assert has_running_test(tx, "reversal")
        assert not has_running_test(tx, "m002")
    run = update_daily_version(world, around(world, begun), THURSDAY)
    assert not run.is_deployed


def test_rev_r12_a_skipped_day_is_seen_in_the_log_and_in_the_counts(world: SmallWorld) -> None:
    monday = THURSDAY - timedelta(days=3)
    for _ in range(2):
        update_daily_version(world, around(world, []), monday)
    train_full(world, around(world, []), SUNDAY, ON_SCHEDULE)
    update_daily_version(world, around(world, []), THURSDAY)
    with world.ledger.transaction() as tx:  # what the driver writes of its own cycles is no training
        of_driver = [("trigger_training", {"waiting": 0, "version": None}), ("weekly", {"skipped": "paused"})]
        log_live(tx, [LiveEntry(learner="reversal", at=SUNDAY, kind="training", name=name, payload=payload)
                      for name, payload in of_driver])  # fmt: skip
    with world.ledger.reading() as tx:
        lines = live_entries(tx, "reversal", "training", ("full training", "daily update"))
        counts = training_counts(tx, "reversal")
    assert [(one.name, one.at) for one in lines] == [
        ("full training", SUNDAY), ("daily update", monday), ("daily update", THURSDAY),
    ]  # fmt: skip
    assert "fewer than 100" in lines[1].payload["skipped"]
    assert (counts["daily_skipped"], counts["full_passed"], sum(counts.values())) == (1, 1, 3)


def test_a_day_that_was_paused_and_then_done_has_both_lines(world: SmallWorld) -> None:
    paused = replace(around(world, []), is_paused=lambda tx, name, at: True)
    for each in (paused, around(world, [])):
        update_daily_version(world, each, THURSDAY)
    with world.ledger.reading() as tx:
        lines = live_entries(tx, "reversal", "training")
    assert ["skipped" in one.payload for one in lines] == [True, False]


def test_a_move_may_be_told_to_nobody(world: SmallWorld) -> None:
    assert around(world, []).announce_move is say_nothing


def test_counts_are_read_anew_only_where_a_line_was_added(world: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    counts, read = TrainingCounts(), []
    monkeypatch.setattr(surroundings, "training_counts", lambda *args: read.append(1) or training_counts(*args))
    for n in range(3):
        with world.ledger.transaction() as tx:
            note = {"skipped": "too few"}
            log_live(
                tx, [LiveEntry(learner="reversal", at=THURSDAY, kind="training", name=DAILY, payload=note, key=str(n))]
            )
        for _ in range(3):
            with world.ledger.reading() as tx:
                found = counts.now(tx, "reversal")
                assert found == training_counts(tx, "reversal") and found["daily_skipped"] == n + 1
    assert len(read) == 3
