"""A due training is one job and one version, whoever asks, whatever died; a failed job stays failed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from inline_engine import Clock, Inline, paper_world
from pawl.jobs.parked import retry_letter
from pawl.jobs.train_orchestrator import TRAIN_ORCHESTRATOR, train_role
from pawl.jobs.worker_role import World
from pawl.learners.learner import Fit, FitContext
from pawl.ledger.database import Ledger
from pawl.ledger.datasets import dataset_of_version
from pawl.ledger.dead_letters import list_letters, park
from pawl.ledger.live_log import LiveEntry, log_live
from pawl.ledger.model_versions import list_versions
from pawl.ledger.train_jobs import count_jobs, job_of_run, start_job
from pawl.ledger.training_tables import dataset_versions, train_jobs
from tiny_learner import Shares, Tiny

WEEK = timedelta(days=7)
NOW = datetime(2022, 3, 2, tzinfo=UTC)  # a Wednesday, behind the market


class Broken(Tiny):
    """Falls over while it is fitted."""

    def fit(self, bars: pl.DataFrame, context: FitContext) -> Fit[Shares]:
        """Never."""
        raise ZeroDivisionError("a user's own learner may raise anything")


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


def world_of(ledger: Ledger, home: Path, clock: Clock, **changes: Any) -> World:
    return paper_world(ledger, home, clock, **{"train_every_hours": {"tiny": 168.0}, **changes})


def test_a_due_training_runs_once_whoever_asks(ledger: Ledger, furnished: Path, clock: Clock) -> None:
    world = world_of(ledger, furnished, clock)
    role = train_role(world)
    assert [one["version"] for one in Inline(world).work(role)] == ["tiny-1.0"]
    assert Inline(world).work(role) == [], "another process, or this one after a restart"
    clock.forward(4 * WEEK)
    assert [one["version"] for one in Inline(world).work(role)] == ["tiny-1.1"], "of four that were missed one runs"
    with ledger.reading() as tx:
        assert count_jobs(tx) == {"succeeded": 2}
        assert [one.version for one in list_versions(tx)] == ["tiny-1.0", "tiny-1.1"]


def test_two_that_saw_the_same_due_time_are_one_run(ledger: Ledger, furnished: Path, clock: Clock) -> None:
    world = world_of(ledger, furnished, clock)
    role = train_role(world)
    late = Inline(world)
    role.poll(late, clock())
    clock.forward(timedelta(seconds=1))
    Inline(world).work(role)
    (argument,) = late.waiting
    answer = role.workflow.run(lambda name, act: act(), argument)
    assert answer == {"skipped": "another run took it up, or a live loop trains it"}


def test_a_learner_that_a_live_loop_trains_is_left_to_it(ledger: Ledger, furnished: Path, clock: Clock) -> None:
    """Also where the loop began after the run was queued, and a parked run was let go."""
    world = world_of(ledger, furnished, clock)
    role = train_role(world)
    late = Inline(world)
    role.poll(late, clock())
    (argument,) = late.waiting
    with ledger.transaction() as tx:
        log_live(tx, [LiveEntry(learner="tiny", at=clock(), kind="act", name="begin", payload={})])
        park(tx, TRAIN_ORCHESTRATOR, argument["run"], "no bars", 5, clock())
        (letter,) = list_letters(tx)
        retry_letter(tx, letter.letter_id, clock())
    assert role.workflow.run(lambda name, act: act(), argument)["skipped"].endswith("a live loop trains it")
    assert Inline(world).work(role) == []
    clock.forward(WEEK)
    assert Inline(world).work(role) == []
    with ledger.reading() as tx:
        assert count_jobs(tx) == {} and list_versions(tx) == []


def test_pass_r3_every_released_model_leads_to_its_job_and_its_datasets(
    ledger: Ledger, furnished: Path, clock: Clock
) -> None:
    world = world_of(ledger, furnished, clock)
    Inline(world).work(train_role(world))
    with ledger.reading() as tx:
        (version,) = list_versions(tx)
        job = tx.execute(sa.select(train_jobs).where(train_jobs.c.train_job_id == version.train_job_id)).one()
        ids = tx.execute(sa.select(dataset_versions.c.dataset_version_id)).scalars().all()
        stored = dataset_of_version(tx, version.version)
    assert job.target_model_version == version.version
    assert job.dataset_version_ids == ids == [stored.dataset_version_id]
    assert stored.content_hash == version.dataset_hash


def test_a_job_whose_process_died_fails_and_the_next_try_is_a_new_job(
    ledger: Ledger, furnished: Path, clock: Clock
) -> None:
    world = world_of(ledger, furnished, clock)
    role = train_role(world)
    engine = Inline(world)
    role.poll(engine, clock())
    (argument,) = engine.waiting

    def dies_in_training(name: str, act: Any) -> Any:
        if name == "train":
            with ledger.transaction() as tx:
                job = job_of_run(tx, "tiny", argument["run"])
                assert job is not None
                start_job(tx, job.job_id, clock())
        return act()

    with pytest.raises(Exception, match=r"the process that trained `tiny-1.0` died"):
        role.workflow.run(dies_in_training, argument)
    assert role.workflow.run(lambda name, act: act(), argument)["version"] == "tiny-1.0"
    with ledger.reading() as tx:
        jobs = tx.execute(sa.select(train_jobs.c.status, train_jobs.c.error_message)).all()
    assert len(jobs) == 2
    assert {tuple(one) for one in jobs} == {("failed", "cut off before it ended"), ("succeeded", None)}


def test_a_step_that_runs_again_after_its_effect_does_nothing(ledger: Ledger, furnished: Path, clock: Clock) -> None:
    world = world_of(ledger, furnished, clock)
    role = train_role(world)
    engine = Inline(world)
    role.poll(engine, clock())
    (argument,) = engine.waiting

    def twice(name: str, act: Any) -> Any:
        first = act()
        assert act() == first
        return first

    role.workflow.run(twice, argument)
    with ledger.reading() as tx:
        assert count_jobs(tx) == {"succeeded": 1}
        assert len(list_versions(tx)) == 1


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_training_that_fails_is_a_failed_job_and_a_dead_letter_and_goes_again_when_let_go(
    ledger: Ledger, furnished: Path, clock: Clock, tmp_path: Path, *, is_empty: bool
) -> None:
    """It may fail before it could start (no bars), or in the middle of the fit."""
    world = paper_world(
        ledger,
        tmp_path / "empty" if is_empty else furnished,
        clock,
        Broken(),
        train_every_hours={"tiny": 168.0},
    )
    role = train_role(world)
    engine = Inline(world)
    engine.work(role)
    with ledger.transaction() as tx:
        assert count_jobs(tx) == {"failed": 1}
        assert list_versions(tx) == []
        (letter,) = list_letters(tx)
        assert letter.item_id == "tiny@2022-02-28T00:00:00.000000Z"
        retry_letter(tx, letter.letter_id, clock())
    mended = paper_world(ledger, furnished, clock, train_every_hours={"tiny": 168.0})
    assert [one["version"] for one in Inline(mended).work(train_role(mended))] == ["tiny-1.0"]
    with ledger.reading() as tx:
        assert count_jobs(tx) == {"failed": 1, "succeeded": 1}
