"""Going back: the version before serves again, once it has shown that it still answers as it did."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pawl.errors import RefusalError
from pawl.ids import ModelVersion
from pawl.jobs.backtesting import load_model
from pawl.jobs.golden import answer_once, golden_difference
from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Learner
from pawl.ledger.deployments import Move, roll_back, rollback_target
from pawl.ledger.model_versions import require_files

__all__ = ["RolledBack", "roll_back_learner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """A rollback that was done. seconds: from the loaded model, its libraries too, to the moved alias."""

    from_version: ModelVersion
    to_version: ModelVersion
    seconds: float


def roll_back_learner(
    workspace: Workspace, learner: Learner[Any], reason: str, now: datetime, clock: Callable[[], float]
) -> RolledBack:
    """Let the directly preceding version serve again, and log it.

    Its artifact is loaded and says its golden predictions before anything moves. RefusalError, and nothing moved, when
    it says something else than when it was new, or when nothing served before; CorruptArtifactError for a changed byte.
    clock: seconds, to measure by.
    """
    name = learner.spec.name
    ledger = workspace.versions.ledger
    with ledger.reading() as tx:
        serving, before = rollback_target(tx, name)
    record = workspace.versions.get(before)
    require_files(record.version, record.files_removed_at)
    files = workspace.artifacts.load(record.artifact)
    model = load_model(learner, files, record)
    answer_once(learner, model, files)
    began = clock()
    difference = golden_difference(learner, model, files)
    if difference is not None:
        raise RefusalError(
            f"`{before}` does not answer as it did when it was new: {difference}",
            where=f"{name}, golden predictions",
            fix=f"`{serving}` keeps serving; restore the libraries of its certificate, or train a new version",
        )
    with ledger.transaction() as tx:
        roll_back(tx, name, "policy", before, Move(by="pawl rollback", reason=reason, at=now))
    return RolledBack(from_version=serving, to_version=before, seconds=clock() - began)
