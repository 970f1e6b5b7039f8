"""Going back: a version that served before serves again, once it has shown that it still answers as it did."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pawl.errors import RefusalError
from pawl.ids import ModelVersion
from pawl.jobs.backtesting import load_model
from pawl.jobs.golden import answer_once, golden_difference
from pawl.jobs.live.act_record import acting, record_act
from pawl.jobs.live.announcing import announce_move
from pawl.jobs.live.rollout_orders import By
from pawl.jobs.live.rollout_rules import RolloutRules, RolloutWorld
from pawl.jobs.live.rollouts import settle
from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Learner
from pawl.ledger.deployments import Move, roll_back, rollback_target
from pawl.ledger.model_versions import require_files

__all__ = ["Asked", "RolledBack", "roll_back_learner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """A rollback that was done. seconds: from the loaded model, its libraries too, to the moved alias."""

    from_version: ModelVersion
    to_version: ModelVersion
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a rollback is asked for. by: who. now: the time of day; where a loop has run, its instant counts instead.
    to: the version to go back to; None for the directly preceding one.
    """

    by: str
    reason: str
    now: datetime
    to: ModelVersion | None = None


def roll_back_learner(
    workspace: Workspace, learner: Learner[Any], asked: Asked, rules: RolloutRules, clock: Callable[[], float]
) -> RolledBack:
    """Let a version that served before serve again, and log it; a rollout that runs ends in the same transaction.

    Its artifact is loaded and says its golden predictions before anything moves. RefusalError, and nothing moved, when
    it says something else than when it was new, or when it did not serve before; CorruptArtifactError for a changed
    byte.
    clock: seconds, to measure by.
    """
    name = learner.spec.name
    ledger = workspace.versions.ledger
    with ledger.reading() as tx:
        serving, before = rollback_target(tx, name)
    before = asked.to or before
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
    with acting(ledger, name, asked.now) as at, ledger.transaction() as tx:
        by = By(who=asked.by, at=at)
        moved = roll_back(tx, name, "policy", before, Move(by=by.who, reason=asked.reason, at=at))
        announce_move(tx, moved)
        settle(tx, RolloutWorld.of(ledger, learner.spec, rules), by)
        record_act(tx, name, "rollback", at, {"version": before, "reason": asked.reason, "by": by.who})
    return RolledBack(from_version=serving, to_version=before, seconds=clock() - began)
