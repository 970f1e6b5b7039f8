"""A rollout is data: the stages a candidate passes, what each needs to be left, and how long it may take."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise

from pydantic import BaseModel, ConfigDict, Field

from pawl.errors import NotFoundError, SettingsError
from pawl.gates.guard_rails import GuardRailSettings

__all__ = ["Exit", "RolloutPlan", "RolloutSettings", "Stage", "StageKind", "plan_named", "plan_of", "rollout_plans"]


class StageKind(StrEnum):
    """What a stage does with the candidate."""

    SHADOW = "shadow"  # decides, does not act
    CANARY = "canary"  # acts for a share
    AB_TEST = "ab_test"  # acts for a share until a fixed day, then judged once
    FULL = "full"  # serves


class Exit(StrEnum):
    """What must hold, beside time, sample and guard-rails, to leave a stage forward."""

    SUPERIOR = "superior"  # the paired sequence proves it better, and the conditions find it not worse
    NOT_WORSE = "not_worse"  # the conditions, judged once at the minimum of time and sample
    AB_WINNER = "ab_winner"  # the two-proportion test, decided once at the end
    UNHARMED = "unharmed"  # no guard-rail was passed: the end of a rollout


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """share: fraction of the traffic the candidate acts for. min_decisions: resolved, in this stage. limit: after which
    it is refused; None where the end of the stage decides anyhow.
    """

    kind: StageKind
    share: float
    exit: Exit
    min_time: timedelta
    min_decisions: int
    limit: timedelta | None

    @property
    def name(self) -> str:
        """As it is printed.

        >>> Stage(kind=StageKind.CANARY, share=0.05, exit=Exit.NOT_WORSE, min_time=timedelta(3), min_decisions=100,
        ...       limit=None).name
        'canary 5 %'
        """
        shares = {StageKind.CANARY: f"canary {self.share:.0%}", StageKind.AB_TEST: f"A/B {self.share:.0%}"}
        return shares.get(self.kind, self.kind.value).replace("%", " %")


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """Stages in order: the share grows, the last one is full."""

    name: str
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        shares = [stage.share for stage in self.stages]
        grows = all(before < after for before, after in pairwise(shares))
        kinds = [stage.kind for stage in self.stages]
        ends_full = kinds.count(StageKind.FULL) == 1 and kinds[-1] is StageKind.FULL and shares[-1] == 1.0
        # A shadow that acts, or a full stage for half of the traffic, would be another kind under a wrong name.
        is_named_right = all((stage.kind is StageKind.SHADOW) == (stage.share == 0.0) for stage in self.stages)
        if not (ends_full and grows and is_named_right and shares[0] >= 0.0):
            raise SettingsError(
                f"rollout plan `{self.name}` has the shares {shares}",
                where="rollout",
                fix="let the shares grow, a shadow have 0, and the one full stage stand last with 1",
            )


USUAL_PLANS = {"reversal": "reversal", "meta": "meta", "risk": "risk"}


class RolloutSettings(BaseModel):
    """How slowly a candidate is let in. Settings key `rollout`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    min_days: float = Field(3, ge=1, description="shortest stay in a stage, days")
    min_decisions: int = Field(100, ge=30, description="resolved decisions before a stage is judged, count")
    shadow_limit_days: float = Field(60, ge=10, description="longest stay in shadow, days; then refused")
    canary_limit_days: float = Field(30, ge=3, description="longest stay in a canary stage, days; then rolled back")
    ab_days: float = Field(7, ge=1, description="length of an A/B test, days")
    plans: dict[str, str] = Field(
        default_factory=lambda: dict(USUAL_PLANS), description="by which plan: learner → plan; `default` for any other"
    )
    guard_rails: GuardRailSettings = Field(
        default_factory=GuardRailSettings, description="what no candidate may do while it is rolled out"
    )


def rollout_plans(settings: RolloutSettings) -> Mapping[str, RolloutPlan]:
    """The plans by name: `default`, `reversal` weekly, `meta` and `risk`.

    >>> for plan in rollout_plans(RolloutSettings()).values():
    ...     print(f"{plan.name}:", " → ".join(stage.name for stage in plan.stages))
    default: shadow → canary 5 % → canary 20 % → full
    reversal: A/B 50 % → full
    meta: full
    risk: shadow → full
    """
    stay = timedelta(days=settings.min_days)
    decisions = settings.min_decisions
    shadow = Stage(
        kind=StageKind.SHADOW,
        share=0.0,
        exit=Exit.SUPERIOR,
        min_time=stay,
        min_decisions=decisions,
        limit=timedelta(days=settings.shadow_limit_days),
    )
    canaries = tuple(
        Stage(
            kind=StageKind.CANARY,
            share=share,
            exit=Exit.NOT_WORSE,
            min_time=stay,
            min_decisions=decisions,
            limit=timedelta(days=settings.canary_limit_days),
        )
        for share in (0.05, 0.20)
    )
    # Below its minimum a test is a tie, so the number of decisions does not hold it open.
    halves = Stage(
        kind=StageKind.AB_TEST,
        share=0.5,
        exit=Exit.AB_WINNER,
        min_time=timedelta(days=settings.ab_days),
        min_decisions=0,
        limit=None,
    )
    full = Stage(kind=StageKind.FULL, share=1.0, exit=Exit.UNHARMED, min_time=stay, min_decisions=decisions, limit=None)
    plans = (
        RolloutPlan("default", (shadow, *canaries, full)),
        RolloutPlan("reversal", (halves, full)),
        RolloutPlan("meta", (full,)),
        RolloutPlan("risk", (shadow, full)),
    )
    return {plan.name: plan for plan in plans}


def plan_named(name: str, settings: RolloutSettings) -> RolloutPlan:
    """The plan of this name; NotFoundError lists the known ones."""
    plans = rollout_plans(settings)
    if name not in plans:
        raise NotFoundError(f"no rollout plan `{name}`", where="rollout", fix=f"take one of {', '.join(plans)}")
    return plans[name]


def plan_of(learner: str, settings: RolloutSettings) -> str:
    """The name of the plan by which a learner's candidates are let in.

    >>> plan_of("reversal", RolloutSettings()), plan_of("m002", RolloutSettings())
    ('reversal', 'default')
    """
    return settings.plans.get(learner, "default")
