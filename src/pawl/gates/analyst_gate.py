"""The offline gate of the analyst, who writes reports: facts, usefulness, and words it must not use."""

from pydantic import BaseModel, ConfigDict, Field

from pawl.gates.condition import Absolute, Condition, Direction, Domain, Unit
from pawl.gates.gate import Gate

__all__ = ["AnalystGateSettings", "analyst_gate"]

SHARE = Domain(0.0, 1.0)


class AnalystGateSettings(BaseModel):
    """How strict the gate of the analyst is. Settings key `analyst_gate`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    min_reports: int = Field(30, ge=10, description="judged reports that each figure rests on, count")
    factual_tolerance: float = Field(0.0, ge=0, le=0.2, description="allowed loss of factual agreement, fraction")
    actionability_tolerance: float = Field(0.0, ge=0, le=0.2, description="allowed loss of actionability, score")
    forbidden_tolerance: float = Field(0.0, ge=0, le=0.2, description="allowed excess of forbidden words, fraction")


def analyst_gate(settings: AnalystGateSettings) -> Gate:
    """Three conditions against the serving version on the same evidence; each passes at equality and alone can fail.

    factual_agreement: share of claims that their linked evidence events bear out. actionability: score of the proposals
    in [0, 1]. forbidden_rate: share of reports with a forbidden expression or a false certainty.

    >>> [row.metric for row in analyst_gate(AnalystGateSettings()).requirements]
    ['factual_agreement', 'actionability', 'forbidden_rate']
    """
    rows = (
        ("factual_agreement", Direction.HIGHER, settings.factual_tolerance, Unit.PERCENT),
        ("actionability", Direction.HIGHER, settings.actionability_tolerance, Unit.SCORE),
        ("forbidden_rate", Direction.LOWER, settings.forbidden_tolerance, Unit.PERCENT),
    )
    return Gate(
        "analyst",
        tuple(
            Condition(
                metric=metric,
                direction=direction,
                tolerance=Absolute(tolerance),
                min_sample=settings.min_reports,
                unit=unit,
                domain=SHARE,
            )
            for metric, direction, tolerance, unit in rows
        ),
    )
