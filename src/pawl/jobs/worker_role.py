"""What a worker is: a durable workflow, and a look at the ledger that says what there is to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from pawl.datasets.passport_settings import PassportSettings
from pawl.evaluation.costs import Costs
from pawl.jobs.durable_workflow import Json, Workflow
from pawl.jobs.verdicts import Terms
from pawl.jobs.worker_settings import WorkerSettings
from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Learner
from pawl.ledger.database import Ledger
from pawl.ledger.dead_letters import Letter, park
from pawl.market.limits import QualityLimits

__all__ = ["Queue", "Role", "World", "is_parked", "parking", "turn_of"]


class Queue(Protocol):
    """What a worker enqueues through; the engine is one."""

    def enqueue(self, workflow: str, key: str, argument: Mapping[str, Json]) -> bool:
        """True when nothing was enqueued under this key before."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the workers of a workspace work on.

    costs, limits, seed, n_jobs: of trainings. passport: how decisions are scored. now: reads the clock.
    """

    ledger: Ledger
    workspace: Workspace
    learner_named: Callable[[str], Learner[Any]]
    terms: Terms
    costs: Costs
    limits: QualityLimits
    seed: int
    n_jobs: int
    passport: PassportSettings
    settings: WorkerSettings
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A worker. poll: enqueue what there is to do now; how much of it is new. count_waiting: of what is to do later."""

    workflow: Workflow
    poll: Callable[[Queue, datetime], int]
    count_waiting: Callable[[], int]


def parking(worker: str, item: str) -> Callable[[sa.Connection, Mapping[str, Json], str, int, datetime], None]:
    """Giving up by parking the item that stands in the argument under this name."""

    def give_up(tx: sa.Connection, argument: Mapping[str, Json], error: str, attempts: int, now: datetime) -> None:
        park(tx, worker, str(argument[item]), error, attempts, now)

    return give_up


def is_parked(letter: Letter | None) -> bool:
    """Whether an item waits for a person.

    >>> is_parked(None)
    False
    """
    return letter is not None and letter.status == "parked"


def turn_of(key: str, letter: Letter | None) -> str:
    """The key of an item's turn: one that was let go again is another turn."""
    return key if letter is None else f"{key}/{letter.updated_at.isoformat()}"
