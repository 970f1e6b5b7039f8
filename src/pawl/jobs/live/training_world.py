"""What the trainings of the live loop work on, and what they ask of the rest of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import polars as pl
import sqlalchemy as sa

from pawl.evaluation.costs import Costs
from pawl.gates.policy_gate import GateSettings
from pawl.ids import DatasetHash, ModelVersion
from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Learner
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import Deployment
from pawl.market.limits import QualityLimits

__all__ = ["Surroundings", "TrainingWorld", "ask_nobody", "say_nothing"]


class TrainingWorld(Protocol):
    """One learner with its market and its stores. tickers: those that it is trained on."""

    @property
    def workspace(self) -> Workspace: ...
    @property
    def learner(self) -> Learner[Any]: ...
    @property
    def tickers(self) -> tuple[str, ...]: ...
    @property
    def costs(self) -> Costs: ...
    @property
    def limits(self) -> QualityLimits: ...
    @property
    def seed(self) -> int: ...
    @property
    def n_jobs(self) -> int: ...
    @property
    def ledger(self) -> Ledger: ...


def say_nothing(tx: sa.Connection, moved: Deployment) -> None:
    """Tell nobody of a move."""


def ask_nobody() -> None:
    """Take effect at once: nothing else runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The rest of the loop, as a training needs it.

    outcomes: (learner, after, until) → signals that were resolved then: OUTCOME_SCHEMA. has_running_test: whether an
    A/B test of the learner runs. is_paused: whether extreme conditions pause it now. begin_rollout: lets a version that
    passed its gate into the traffic; asked again for the same version it changes nothing, and a RefusalError says why
    it cannot now. note: (kind, name, payload, at) writes a line of the loop's log. announce_move: tells of a move of
    the alias, in its transaction. gate: for learners without one of their own. proved_on: hash of bars whose features
    were proved and that hold all that is trained on; None proves each time. stopwatch: seconds, to say how long a
    training took; None says nothing, as in a replay. take_turn: called before a training's effects, outside of any
    transaction: from then to the end of the training no other cycle runs.
    """

    outcomes: Callable[[sa.Connection, str, datetime, datetime], pl.DataFrame]
    has_running_test: Callable[[sa.Connection, str], bool]
    is_paused: Callable[[sa.Connection, str, datetime], bool]
    begin_rollout: Callable[[ModelVersion, datetime], None]
    note: Callable[[sa.Connection, str, str, Mapping[str, Any], datetime], None]
    gate: GateSettings
    announce_move: Callable[[sa.Connection, Deployment], None] = say_nothing
    proved_on: DatasetHash | None = None
    stopwatch: Callable[[], float] | None = None
    take_turn: Callable[[], None] = ask_nobody
