"""Where a rollout stands, what moves it, and what it orders: values that can be stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pawl.gates.ab_test import AbResult
from pawl.gates.figure import Measured
from pawl.gates.paired_sequence import Look
from pawl.gates.verdict import Verdict
from pawl.ids import ModelVersion

__all__ = ["Evidence", "MoveAlias", "Order", "Restore", "Rollout", "SetShare", "StartAgain", "Status", "Step"]


class Status(StrEnum):
    """How a rollout stands; all but `running` are its end."""

    RUNNING = "running"
    PROMOTED = "promoted"
    REFUSED = "refused"
    ROLLED_BACK = "rolled_back"
    SUPERSEDED = "superseded"  # the champion changed: the candidate starts again, against the new one
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """One candidate on its way. champion: what it is compared with, and what comes back when it fails. stage: index in
    the plan. reason: why it stands where it stands.
    """

    plan: str
    candidate: ModelVersion
    champion: ModelVersion
    stage: int
    entered_at: datetime
    status: Status
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a stage now; what is absent (None) says no.

    serving: who holds the alias. n_decisions: resolved in this stage. rails: figures of the candidate by guard-rail.
    look: of the paired sequence, in shadow. verdict: of the not-worse conditions on the rows of this stage; at the
    start, of the offline gate. ab: the one decision of a test that has ended. is_paused: extreme conditions hold every
    deployment.
    """

    serving: ModelVersion | None
    n_decisions: int = 0
    rails: Mapping[str, Measured] = field(default_factory=dict)
    look: Look | None = None
    verdict: Verdict | None = None
    ab: AbResult | None = None
    is_paused: bool = False


@dataclass(frozen=True, slots=True)
class SetShare:
    """Let the candidate act for this share of the traffic; 0 takes it out of trading."""

    version: ModelVersion
    share: float


@dataclass(frozen=True, slots=True)
class MoveAlias:
    """Let this version serve, in the transaction of the verdict that allowed it."""

    to: ModelVersion


@dataclass(frozen=True, slots=True)
class Restore:
    """Bring the directly preceding version back, audited."""

    to: ModelVersion


@dataclass(frozen=True, slots=True)
class StartAgain:
    """Judge the candidate offline against the new champion, and begin at the first stage."""

    version: ModelVersion
    champion: ModelVersion


Order = SetShare | MoveAlias | Restore | StartAgain


@dataclass(frozen=True, slots=True)
class Step:
    """The state after an event, and what the shell must do in the same transaction; no orders where nothing moves.

    >>> from datetime import UTC
    >>> new, old = ModelVersion("m002-1.4"), ModelVersion("m002-1.3")
    >>> rollout = Rollout(plan="default", candidate=new, champion=old, stage=0, status=Status.RUNNING,
    ...                   entered_at=datetime(2026, 1, 1, tzinfo=UTC), reason="the offline gate passed")
    >>> Step(rollout, (SetShare(new, 0.05),)).orders
    (SetShare(version='m002-1.4', share=0.05),)
    """

    rollout: Rollout
    orders: tuple[Order, ...] = ()
