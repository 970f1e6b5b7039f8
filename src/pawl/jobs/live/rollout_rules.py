"""Under which rules a learner's candidates are rolled out, and what a rollout works on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

import sqlalchemy as sa

from pawl.gates.ab_test import AbSettings
from pawl.gates.guard_rails import GuardRail, guard_rails
from pawl.gates.policy_gate import GateSettings
from pawl.gates.rollout_plan import RolloutPlan, RolloutSettings, plan_named, plan_of
from pawl.gates.sequence_config import SequenceSettings
from pawl.ids import ModelVersion
from pawl.jobs.live.stage_memory import StageMemory
from pawl.learners.learner import LearnerSpec
from pawl.ledger.database import Ledger

__all__ = ["JudgeAgain", "RolloutRules", "RolloutWorld", "never_paused"]

IsPaused = Callable[[sa.Connection, str, datetime], bool]
JudgeAgain = Callable[[ModelVersion, datetime], object]


def never_paused(tx: sa.Connection, learner: str, at: datetime) -> bool:
    """Where nobody watches for extreme conditions."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutRules:
    """is_paused: whether extreme conditions hold every deployment of a learner at an instant. judge_again: judges a
    version offline against what serves now and records the verdict, for a candidate whose champion changed; None leaves
    that to an operator.
    """

    rollout: RolloutSettings = field(default_factory=RolloutSettings)
    ab_test: AbSettings = field(default_factory=AbSettings)
    sequence: SequenceSettings = field(default_factory=SequenceSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    is_paused: IsPaused = never_paused
    judge_again: JudgeAgain | None = None

    @property
    def rails(self) -> tuple[GuardRail, ...]:
        """The guard-rails."""
        return guard_rails(self.rollout.guard_rails)

    def plan(self, name: str) -> RolloutPlan:
        """The plan of a name."""
        return plan_named(name, self.rollout)


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutWorld:
    """One learner whose candidates are rolled out. horizon: how long after a decision its label ends. plan_name: by
    which new candidates are let in; None for that of the settings. memory: what earlier looks have read; kept by a
    caller that looks again and again.
    """

    ledger: Ledger
    learner: str
    horizon: timedelta
    rules: RolloutRules
    plan_name: str | None = None
    memory: StageMemory | None = None

    @classmethod
    def of(cls, ledger: Ledger, spec: LearnerSpec, rules: RolloutRules) -> Self:
        """That of a learner."""
        return cls(ledger=ledger, learner=spec.name, horizon=spec.horizon_bars * spec.timeframe.length, rules=rules)

    @property
    def plan(self) -> RolloutPlan:
        """The plan of new candidates."""
        return self.rules.plan(self.plan_name or plan_of(self.learner, self.rules.rollout))
