"""Workers without the engine: what is enqueued is run in this very process, on a clock of one's own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pawl.datasets.passport_settings import PassportSettings
from pawl.evaluation.costs import Costs
from pawl.gates.policy_gate import GateSettings
from pawl.jobs.verdicts import Terms
from pawl.jobs.worker_role import Role, World
from pawl.jobs.worker_settings import WorkerSettings
from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Learner
from pawl.ledger.database import Ledger
from pawl.market.limits import QualityLimits
from tiny_learner import Tiny

__all__ = ["Clock", "Inline", "paper_world"]

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that goes when it is told to."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, span: timedelta) -> None:
        """Let time pass."""
        self.now += span


@dataclass
class Inline:
    """Takes what a role enqueues and runs it; an error gives up at once, as the engine does after its tries."""

    world: World
    keys: set[tuple[str, str]] = field(default_factory=set)
    waiting: list[Mapping[str, Any]] = field(default_factory=list)

    def enqueue(self, workflow: str, key: str, argument: Mapping[str, Any]) -> bool:
        """Once under a key."""
        is_new = (workflow, key) not in self.keys
        self.keys.add((workflow, key))
        if is_new:
            self.waiting.append(argument)
        return is_new

    def work(self, role: Role) -> list[Any]:
        """One look of a role, and all that it found done; what each workflow answered."""
        role.poll(self, self.world.now())
        found, self.waiting = self.waiting, []
        return [self._run(role, argument) for argument in found]

    def _run(self, role: Role, argument: Mapping[str, Any]) -> Any:
        try:
            return role.workflow.run(lambda name, act: act(), argument)
        except Exception as error:  # noqa: BLE001 - in the place of the engine
            with self.world.ledger.transaction() as tx:
                role.workflow.give_up(tx, argument, str(error), 1, self.world.now())
            return error


def paper_world(
    ledger: Ledger, home: Path, now: Callable[[], datetime], learner: Learner[Any] | None = None, **settings: Any
) -> World:
    """A world on a ledger, with a workspace that may be empty and one learner."""
    gate = GateSettings(min_decisions=30, min_days=20)
    chosen = learner or Tiny()

    return World(
        ledger=ledger,
        workspace=Workspace.at(home, ledger),
        learner_named=lambda name: chosen,
        terms=Terms(costs=Costs(), gate=gate, seed=7),
        costs=Costs(),
        limits=QualityLimits(),
        seed=7,
        n_jobs=1,
        passport=PassportSettings(),
        settings=WorkerSettings(**settings),
        now=now,
    )
