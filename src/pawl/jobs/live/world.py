"""What the cycles of the live loop work on."""

from dataclasses import dataclass, field
from typing import Any

from pawl.evaluation.costs import Costs
from pawl.jobs.live.live_settings import LiveSettings
from pawl.jobs.live.trade_arrivals import TradeSource, UsersTrades
from pawl.jobs.workspace import Workspace
from pawl.lake.source import Source
from pawl.learners.learner import Learner
from pawl.ledger.database import Ledger
from pawl.market.calendars import Calendar
from pawl.market.limits import QualityLimits

__all__ = ["LiveWorld"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveWorld:
    """One learner, its market and its stores. tickers: those that are collected and decided on, in their order.

    calendar: that the tickers trade on; None leaves it to the silver store. seed: everything random follows from it.
    trades: where it hears of its users' trades.
    """

    workspace: Workspace
    learner: Learner[Any]
    tickers: tuple[str, ...]
    source: Source
    costs: Costs
    limits: QualityLimits
    settings: LiveSettings
    seed: int
    n_jobs: int = 1
    calendar: Calendar | None = None
    trades: TradeSource = field(default_factory=UsersTrades)

    @property
    def ledger(self) -> Ledger:
        """The ledger of the workspace."""
        return self.workspace.versions.ledger

    @property
    def name(self) -> str:
        """The learner's name."""
        return self.learner.spec.name
