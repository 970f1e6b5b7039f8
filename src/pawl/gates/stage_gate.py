"""What a candidate must keep on the live rows of a stage, and what is recorded of a stage that was not passed."""

from dataclasses import replace

from pawl.gates.ab_test import AbResult, AbSettings, Winner
from pawl.gates.condition import Absolute, Condition, Direction, Floor, Unit
from pawl.gates.figure import Figure, Measured, Unmeasured
from pawl.gates.gate import Gate
from pawl.gates.guard_rails import GuardRail
from pawl.gates.paired_sequence import Look
from pawl.gates.policy_gate import GateSettings, policy_conditions
from pawl.gates.sequence_config import SequenceSettings
from pawl.gates.verdict import Outcome, Row, Verdict

__all__ = ["ab_verdict", "breach_verdict", "proven_verdict", "refusal_verdict", "stage_gate"]

ON_DAYS = "max_drawdown"


def stage_gate(stage: str, settings: GateSettings, min_decisions: int, min_days: int) -> Gate:
    """The five conditions on the live rows of a stage, with that stage's own samples.

    >>> gate = stage_gate("canary 5 %", GateSettings(), min_decisions=100, min_days=3)
    >>> gate.name, [one.min_sample for one in gate.requirements]
    ('canary 5 %', [100, 100, 3, 100, 100])
    """
    rows = tuple(
        replace(one, min_sample=min_days if one.metric == ON_DAYS else min_decisions)
        for one in policy_conditions(settings)
    )
    return Gate(stage, rows)


def proven_verdict(conditions: Verdict, look: Look, settings: SequenceSettings) -> Verdict:
    """The conditions and the lower bound of the paired gain, as one verdict: what lets a candidate out of shadow."""
    bound = Floor(metric="paired_gain_low", above=0.0, min_sample=settings.min_blocks, unit=Unit.BPS)
    found = Gate(conditions.gate, (bound,)).judge({}, {bound.metric: Figure(look.low_bps, look.n_blocks)})
    return Verdict(gate=conditions.gate, rows=(*conditions.rows, *found.rows), is_first=False)


def ab_verdict(result: AbResult, n_fewest: int, settings: AbSettings) -> Verdict:
    """What a decided A/B test says of the new version: it wins, or it is no winner. n_fewest: resolved, of the arm that
    has fewer.

    >>> tie = AbResult(
    ...     winner=Winner.TIE, p_value=0.4, is_significant=False, win_rate_a=0.5, win_rate_b=0.5, reason="no"
    ... )
    >>> ab_verdict(tie, 200, AbSettings()).passed
    False
    """
    row = Floor(metric="ab_wins", above=0.0, min_sample=settings.min_resolved)
    value = {Winner.MODEL_B: 1.0, Winner.TIE: 0.0, Winner.MODEL_A: -1.0}[result.winner]
    return Gate("A/B test", (row,)).judge({}, {row.metric: Figure(value, n_fewest, note=result.reason)})


def breach_verdict(stage: str, rails: tuple[GuardRail, ...], measured: dict[str, Measured]) -> Verdict:
    """The guard-rails that were passed, as a verdict that fails; the others are no part of it."""
    found = ((rail, rail.breach(measured.get(rail.metric))) for rail in rails)
    rows = (_broken(rail, measured[rail.metric], reason) for rail, reason in found if reason is not None)
    return Verdict(gate=f"guard-rails, {stage}", rows=tuple(rows), is_first=False)


def refusal_verdict(stage: str, reason: str, judged: Verdict | None = None) -> Verdict:
    """A verdict that fails: what was judged of the stage, and why the candidate is out of it all the same."""
    row = Floor(metric="stage", above=0.0, min_sample=1)
    out = Row(
        requirement=row, champion=None, challenger=Unmeasured(reason), limit=0.0, outcome=Outcome.FAIL, reason=reason
    )
    return Verdict(gate=stage, rows=(*(judged.rows if judged is not None else ()), out), is_first=False)


def _broken(rail: GuardRail, measured: Measured, reason: str) -> Row:
    limit = Condition(
        metric=rail.metric,
        direction=Direction.LOWER,
        tolerance=Absolute(),
        min_sample=rail.min_sample,
        unit=rail.unit,
    )
    return Row(
        requirement=limit,
        champion=None,
        challenger=measured,
        limit=rail.limit,
        outcome=Outcome.FAIL,
        reason=reason,
    )
