"""What triggers and monitoring look at: a learner, its tickers and its stores, without a source."""

from dataclasses import dataclass
from typing import Any, Protocol

from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Learner
from pawl.ledger.database import Ledger
from pawl.market.calendars import Calendar

__all__ = ["Watched", "WatchedWorld"]


class WatchedWorld(Protocol):
    """Every LiveWorld is one. calendar: of all tickers; None leaves it to the silver store."""

    @property
    def workspace(self) -> Workspace: ...
    @property
    def learner(self) -> Learner[Any]: ...
    @property
    def tickers(self) -> tuple[str, ...]: ...
    @property
    def calendar(self) -> Calendar | None: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A world to be looked at from outside the loop."""

    workspace: Workspace
    learner: Learner[Any]
    tickers: tuple[str, ...]
    calendar: Calendar | None = None

    @property
    def ledger(self) -> Ledger:
        """The ledger of the workspace."""
        return self.workspace.versions.ledger

    @property
    def name(self) -> str:
        """The learner's name."""
        return self.learner.spec.name
