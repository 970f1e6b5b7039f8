"""One small trained version, made once for all tests of jobs, and a workspace for workers."""

from pathlib import Path

import pytest

from pawl.jobs.training import train
from pawl.jobs.workspace import Workspace
from pawl.learners.m002 import M002
from small_workspace import SMALL, Trained, fill, nobody, order
from worker_processes import copied
from worker_world import ONCE_IN_22_YEARS, furnish


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One trained version; tests may add to its workspace but never change what is there."""
    workspace = Workspace.at(tmp_path_factory.mktemp("workspace"))
    fill(workspace)
    learner = M002(SMALL)
    return Trained(workspace, learner, train(workspace, learner, order(), nobody))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace.at(tmp_path)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace for workers, without a ledger. Many processes may die at one workflow before it is given up."""
    return furnish(
        tmp_path_factory.mktemp("workers"),
        train_every_hours=ONCE_IN_22_YEARS % "tiny",
        dataset_every_hours=ONCE_IN_22_YEARS % "pretrain",
        max_attempts=40,
    )


@pytest.fixture
def furnished(template: Path, tmp_path: Path) -> Path:
    """A workspace of one's own with a market that `tiny` can be trained on."""
    return copied(template, tmp_path / "home")
