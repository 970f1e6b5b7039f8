"""A rollout as `pawl rollout status --json` gives it."""

import math

from pawl.gates.figure import Figure
from pawl.gates.guard_rails import GuardRail
from pawl.gates.paired_sequence import EMPTY_SEQUENCE, Look
from pawl.gates.rollout_plan import RolloutPlan
from pawl.gates.rollout_state import Evidence, Rollout
from pawl.gates.sequence_config import SequenceSettings

__all__ = ["status_row"]


def status_row(
    rollout: Rollout, plan: RolloutPlan, rails: tuple[GuardRail, ...], evidence: Evidence
) -> dict[str, object]:
    """Version, stage, since when, resolved decisions, guard-rails (value, limit, sample and the least
    that is judged), and the paired test.

    A guard-rail that was not measured has the value None; so has a bound that is not finite.
    """
    look: Look = evidence.look or EMPTY_SEQUENCE.look(SequenceSettings())
    return {
        "version": rollout.candidate,
        "stage": plan.stages[rollout.stage].name,
        "entered": rollout.entered_at.isoformat(),
        "decisions": evidence.n_decisions,
        "guard_rails": {rail.metric: _rail(rail, evidence) for rail in rails},
        "test": look.to_json(),
    }


def _rail(rail: GuardRail, evidence: Evidence) -> dict[str, float | int | bool | None]:
    measured = evidence.rails.get(rail.metric)
    value = measured.value if isinstance(measured, Figure) and math.isfinite(measured.value) else None
    return {
        "value": value,
        "limit": rail.limit,
        "n": measured.n if isinstance(measured, Figure) else 0,
        "min_n": rail.min_sample,
        "is_broken": rail.breach(measured) is not None,
    }
