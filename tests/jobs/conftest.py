"""One small trained version, made once for all tests of jobs, and ledgers on both databases."""

from pathlib import Path

import pytest

from ledger_fixtures import fresh_database, fresh_ledger, ledger, postgres, postgresql_ledger, sqlite_ledger
from pawl.jobs.training import train
from pawl.jobs.workspace import Workspace
from pawl.learners.m002 import M002
from small_workspace import SMALL, Trained, fill, nobody, order

__all__ = [
    "fresh_database",
    "fresh_ledger",
    "ledger",
    "postgres",
    "postgresql_ledger",
    "sqlite_ledger",
    "trained",
    "workspace",
]


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
