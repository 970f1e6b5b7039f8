"""Every worker of the specification has a role, and an unknown one lists them."""

from pathlib import Path

import pytest

from inline_engine import Clock, paper_world
from pawl.errors import NotFoundError
from pawl.jobs.roles import roles_named
from pawl.ledger.database import Ledger


def test_the_five_workers_are_there(ledger: Ledger, tmp_path: Path) -> None:
    world = paper_world(ledger, tmp_path, Clock())
    assert [one.workflow.name for one in roles_named("all", world)] == [
        "trajectory-worker",
        "dataset-worker",
        "train-orchestrator",
        "eval-worker",
        "deployment-worker",
    ]
    assert [one.workflow.name for one in roles_named("eval", world)] == ["eval-worker"]
    with pytest.raises(NotFoundError, match="no role `cook`"):
        roles_named("cook", world)
