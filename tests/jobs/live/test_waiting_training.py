"""The training that firings wait for: one, when nothing pauses it, or when a person asks."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ledger_world import trained
from live_market import AT, live_world, serve_first
from pawl.ids import ModelVersion
from pawl.jobs.live.waiting_training import MOST_TRIES, train_waiting
from pawl.jobs.live.world import LiveWorld
from pawl.ledger.database import Ledger
from pawl.ledger.train_jobs import NewJob, enqueue_job, fail_job, start_job
from pawl.ledger.trigger_firings import BY_HAND, NewFiring, end_firing, list_firings, record_firing

HOUR = timedelta(hours=1)
NEW = ModelVersion("tiny-1.2")
PAUSE = NewFiring(learner="tiny", kind="extreme_conditions", effect="pause", at=AT, reason="wild")


def asks(kind: str, at: datetime, by: str = "triggers") -> NewFiring:
    return NewFiring(learner="tiny", kind=kind, effect="retrain", at=at, reason="because", by=by)


@pytest.fixture
def world(tmp_path: Path, ledger: Ledger) -> LiveWorld:
    """A world in which two triggers have fired."""
    with ledger.transaction() as tx:
        serve_first(tx)
        record_firing(tx, asks("regime_change", AT))
        record_firing(tx, asks("win_rate_drop", AT + HOUR))
    return live_world(tmp_path, ledger)


class Trainer:
    """Trains on paper, once an instant, and says what it was asked for."""

    def __init__(self, world: LiveWorld) -> None:
        self.world = world
        self.asked: list[tuple[datetime, str]] = []

    def __call__(self, at: datetime, cause: str) -> ModelVersion | None:
        self.asked.append((at, cause))
        if len(self.asked) == 1:
            with self.world.ledger.transaction() as tx:
                trained(tx, NEW)
        return NEW


def test_one_full_training_answers_all_that_wait(world: LiveWorld) -> None:
    trainer = Trainer(world)
    assert train_waiting(world, AT + 2 * HOUR, trainer)["version"] == NEW
    assert train_waiting(world, AT + 3 * HOUR, trainer) == {"waiting": 0, "version": None}
    assert trainer.asked == [(AT + 2 * HOUR, "regime_change")]
    with world.ledger.reading() as tx:
        assert len({one.train_job_id for one in list_firings(tx)} - {None}) == 1


def test_rev_r42_it_waits_while_paused_and_starts_when_the_pause_lifts(world: LiveWorld) -> None:
    """REV-R42: asked every hour of a pause nothing starts; the first look after its end trains once."""
    trainer = Trainer(world)
    with world.ledger.transaction() as tx:
        record_firing(tx, PAUSE)
    for hour in range(2, 30):
        assert train_waiting(world, AT + hour * HOUR, trainer)["held"] == "paused"
    with world.ledger.transaction() as tx:
        end_firing(tx, PAUSE.firing_id, AT + 30 * HOUR, "triggers", "calm")
    train_waiting(world, AT + 30 * HOUR, trainer)
    assert trainer.asked == [(AT + 30 * HOUR, "regime_change")]


def test_rev_r42_or_by_hand_although_paused(world: LiveWorld) -> None:
    """As settled: a full training starts when the pause lifts, or by hand."""
    trainer = Trainer(world)
    with world.ledger.transaction() as tx:
        record_firing(tx, PAUSE)
        record_firing(tx, asks(BY_HAND, AT + 900 * 24 * HOUR, by="pawl triggers"))  # a person's clock is another
    assert train_waiting(world, AT + 2 * HOUR, trainer)["version"] == NEW
    assert trainer.asked == [(AT + 2 * HOUR, BY_HAND)]


def test_a_training_that_did_not_start_is_asked_for_again(world: LiveWorld) -> None:
    assert train_waiting(world, AT + HOUR, lambda at, cause: None)["held"] == "did not start"
    assert train_waiting(world, AT + 2 * HOUR, Trainer(world))["version"] == NEW


def test_a_crash_between_training_and_answer_trains_nothing_twice(world: LiveWorld) -> None:
    """The instant's training is asked for again, and gives the version that it gave."""

    class Died(BaseException):
        pass

    trainer = Trainer(world)

    def dies(at: datetime, cause: str) -> ModelVersion | None:
        trainer(at, cause)
        raise Died

    with pytest.raises(Died):
        train_waiting(world, AT + 2 * HOUR, dies)
    assert train_waiting(world, AT + 2 * HOUR, trainer)["version"] == NEW
    assert {at for at, _ in trainer.asked} == {AT + 2 * HOUR}


def test_what_keeps_failing_is_given_up(world: LiveWorld) -> None:
    """Three failed trainings for one cause, and the firings are answered by the last of them."""

    def fails(at: datetime, cause: str) -> ModelVersion | None:
        with world.ledger.transaction() as tx:
            job = NewJob(version=NEW, dataset_version_ids=[], hyperparams={"cause": cause})
            job_id = enqueue_job(tx, job, at)
            start_job(tx, job_id, at)
            fail_job(tx, job_id, "too little data", at)
        raise ValueError("too little data")

    tried = 0
    for hour in range(2, 20):
        try:
            told = train_waiting(world, AT + hour * HOUR, fails)
        except ValueError:
            tried += 1
        else:
            assert told["waiting"] == 0
            break
    assert tried == MOST_TRIES
    with world.ledger.reading() as tx:
        assert all(one.train_job_id is not None for one in list_firings(tx))
