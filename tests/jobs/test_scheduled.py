"""Schedules survive restarts, and never run a due time twice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from inline_engine import Clock, Inline, paper_world
from pawl.jobs.scheduled import due_runs, retried_runs, take_up_run
from pawl.ledger.database import Ledger
from pawl.ledger.dead_letters import list_letters, mark_retried, park

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
EVERY = {"policy": 168.0, "analyst": 84.0}


def test_a_due_time_is_offered_until_it_is_taken_up_and_missed_ones_are_one(ledger: Ledger, tmp_path: Path) -> None:
    clock = Clock(MONDAY + timedelta(days=1))
    world = paper_world(ledger, tmp_path, clock, train_every_hours={"tiny": 168.0, "m002": 24.0})
    runs = dict(due_runs(world, "train", clock()))
    assert {*runs} == {"tiny@2026-11-23T00:00:00.000000Z", "m002@2026-11-24T00:00:00.000000Z"}
    assert due_runs(world, "dataset", clock()) == []
    assert take_up_run(world, "train", runs["tiny@2026-11-23T00:00:00.000000Z"])
    restarted = paper_world(ledger, tmp_path, clock, train_every_hours={"tiny": 168.0, "m002": 24.0})
    assert [name for name, _ in due_runs(restarted, "train", clock())] == ["m002@2026-11-24T00:00:00.000000Z"]
    clock.forward(timedelta(days=30))
    assert [name for name, _ in due_runs(restarted, "train", clock())] == [
        "tiny@2026-12-21T00:00:00.000000Z",
        "m002@2026-12-24T00:00:00.000000Z",
    ]


def test_a_run_that_is_let_go_again_is_another_turn_each_time(ledger: Ledger, tmp_path: Path) -> None:
    clock = Clock(MONDAY)
    world = paper_world(ledger, tmp_path, clock)
    engine = Inline(world)
    for expected in (True, True):
        with ledger.transaction() as tx:
            park(tx, "dataset-worker", "sft@2026-11-23T00:00:00.000000Z", "no rows", 1, clock())
        assert retried_runs(world, "dataset-worker") == []
        clock.forward(timedelta(hours=1))
        with ledger.transaction() as tx:
            mark_retried(tx, list_letters(tx)[0].letter_id, clock())
        ((key, argument),) = retried_runs(world, "dataset-worker")
        assert engine.enqueue("dataset-worker", key, argument) is expected
        assert not engine.enqueue("dataset-worker", key, argument)
        assert take_up_run(world, "dataset", argument)


def test_pass_r26_weekly_and_twice_weekly_runs_survive_restarts_without_doubles(ledger: Ledger, tmp_path: Path) -> None:
    """PASS-R26 in the process: PM every week, AM twice a week. Over twelve weeks two workers look every six hours, each
    restarted before each look, and once nobody looks for eight days: every due time is taken up once, the newest of
    the missed ones stands for all.
    """
    clock = Clock(MONDAY)
    taken: list[str] = []
    for hour in range(0, 12 * 168, 6):
        clock.forward(MONDAY + timedelta(hours=hour) - clock())
        if 40 * 24 <= hour < 48 * 24:
            continue
        seen = []
        for worker in range(2):  # both look before either takes anything up
            clock.forward(timedelta(seconds=worker))
            restarted = paper_world(ledger, tmp_path, clock, train_every_hours=EVERY)
            seen += [(restarted, name, one) for name, one in due_runs(restarted, "train", clock())]
        taken += [name for restarted, name, one in seen if take_up_run(restarted, "train", one)]
        # What was taken up is seen by whoever is restarted after it, as well as refused to who asked before.
        assert due_runs(paper_world(ledger, tmp_path, clock, train_every_hours=EVERY), "train", clock()) == []
    assert len(set(taken)) == len(taken)
    runs = {kind: [one for one in taken if one.startswith(kind)] for kind in ("policy", "analyst")}
    # Days 40 to 48 hold one due time of PM and two of AM, of which the newer one stands for both.
    assert (len(runs["policy"]), len(runs["analyst"])) == (12, 24 - 1)
    assert "policy@2027-01-04T00:00:00.000000Z" in runs["policy"]
