"""A full training that is killed by SIGKILL (REV-R41, R46): the old model serves, and the next try goes on."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pawl.jobs.live.full_training import ON_SCHEDULE, train_full
from pawl.learners import reversal as learner_module
from pawl.ledger.model_versions import champion, get_version
from pawl.models.reversal_training import TrainedReversal
from training_world import SUNDAY, Notes, SmallWorld, events_of, first_world, jobs_of, surrounded

FIRST, SECOND = "reversal-3.3", "reversal-3.4"
TESTS = Path(__file__).parents[2]


@pytest.fixture
def notes() -> Notes:
    return Notes()


def serving(world: SmallWorld) -> str | None:
    with world.ledger.reading() as tx:
        return champion(tx, "reversal")


KILLED = """
import os, signal, sys
from pathlib import Path
from dataclasses import replace
from pawl.jobs.live.full_training import train_full
from pawl.learners import reversal
from training_world import SUNDAY, Notes, small_world, surrounded
world = small_world(Path(sys.argv[1]))
trained = reversal.train_reversal
def deadly(*arguments):
    *others, run = arguments
    def on_epoch(n_epochs):
        if n_epochs == 1:
            os.kill(os.getpid(), signal.SIGKILL)
    return trained(*others, replace(run, on_epoch=on_epoch))
reversal.train_reversal = deadly
config = world.learner.config
network = config.network.model_copy(update={"checkpoint_every": 1})
world = replace(world, learner=reversal.Reversal(config.model_copy(update={"network": network})))
train_full(world, surrounded(world, Notes()), SUNDAY, "schedule")
"""


def eager(world: SmallWorld) -> SmallWorld:
    """With a checkpoint after every epoch."""
    config = world.learner.config
    network = config.network.model_copy(update={"checkpoint_every": 1})
    return replace(world, learner=learner_module.Reversal(config.model_copy(update={"network": network})))


def test_rev_r41_a_training_that_was_killed_goes_on_from_its_checkpoint_and_the_old_model_serves(
    tmp_path: Path, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = eager(first_world(tmp_path / "killed"))
    undisturbed = eager(first_world(tmp_path / "undisturbed"))
    code = f"import sys; sys.path.insert(0, {str(TESTS)!r})\n{KILLED}"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "killed")], timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL
    job = jobs_of(world)[-1]
    assert (job.status, job.target_model_version, serving(world)) == ("running", SECOND, FIRST)
    epochs: list[int] = []
    trained = learner_module.train_reversal

    def watched(*arguments: Any) -> TrainedReversal:
        *others, run = arguments
        return trained(*others, replace(run, on_epoch=epochs.append))

    monkeypatch.setattr(learner_module, "train_reversal", watched)
    run = train_full(world, surrounded(world, notes), SUNDAY, ON_SCHEDULE)
    assert (run.version, epochs) == (SECOND, [2]), "the same number, and the first epoch was not trained again"
    states = [(one.target_model_version, one.status, one.error_message) for one in jobs_of(world)]
    cut_off = (SECOND, "failed", "cut off before it ended")
    assert sorted(states, key=str) == sorted(
        [(FIRST, "succeeded", None), cut_off, (SECOND, "succeeded", None)], key=str
    )
    assert [one["status"] for one in events_of(world)] == ["succeeded", "failed", "succeeded"]
    train_full(undisturbed, surrounded(undisturbed, notes), SUNDAY, ON_SCHEDULE)
    assert artifact_of(world) == artifact_of(undisturbed), "to the byte what it would have been"


def artifact_of(world: SmallWorld) -> str:
    with world.ledger.reading() as tx:
        return get_version(tx, SECOND).artifact
