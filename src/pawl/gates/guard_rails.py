"""Hard limits that hold from the first decision of a stage: past one, a candidate is rolled back at once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from pawl.gates.condition import Unit
from pawl.gates.figure import Figure, Measured
from pawl.gates.wording import figure_text, no_figure, title

__all__ = ["GuardRail", "GuardRailSettings", "breaches", "guard_rails", "open_rails"]


class GuardRailSettings(BaseModel):
    """What no candidate may do while it is rolled out. Settings key `rollout.guard_rails`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    max_drawdown_bps: float = Field(500.0, gt=0, description="fall from the stage's highest equity, bps")
    risk_violation_rate: float = Field(0.05, ge=0, le=1, description="decisions that broke a rule, fraction")
    error_rate: float = Field(0.02, ge=0, le=1, description="predictions that failed, fraction")
    latency_p99_ms: float = Field(250.0, gt=0, description="99th percentile of a prediction's time, ms")
    ece: float = Field(0.20, ge=0, le=1, description="expected calibration error of the stage's decisions")
    min_sample: int = Field(20, ge=1, description="decisions before a rate or latency is judged, count")
    min_ece_sample: int = Field(100, ge=30, description="resolved decisions before the calibration is judged, count")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRail:
    """A metric of the candidate in this stage, and the value it may reach but not pass.

    >>> GuardRail(metric="error_rate", limit=0.02, min_sample=20, unit=Unit.PERCENT).breach(Figure(0.03, 100))
    'error rate 3.0 % is over its guard-rail of 2.0 %'
    """

    metric: str
    limit: float
    min_sample: int
    unit: Unit = Unit.SCORE

    def breach(self, measured: Measured | None) -> str | None:
        """Why this figure rolls back; None where it does not. A figure that cannot be one (NaN, negative) does."""
        if not isinstance(measured, Figure) or measured.n < self.min_sample:
            return None
        if not math.isfinite(measured.value):
            return f"{title(self.metric)} {no_figure(measured.value, measured.n, self.min_sample)}"
        if measured.value < 0.0:
            return f"{title(self.metric)} is {measured.value}"
        if measured.value <= self.limit:
            return None
        value = figure_text(measured.value, self.unit, apart_from=self.limit)
        return f"{title(self.metric)} {value} is over its guard-rail of {self._limit_text(measured.value)}"

    def gap(self, measured: Measured | None) -> str | None:
        """Why a stage may not be left on this figure; None where it was measured well enough."""
        if isinstance(measured, Figure) and measured.n >= self.min_sample:
            return None
        n = measured.n if isinstance(measured, Figure) else 0
        return f"guard-rail {title(self.metric)} rests on {n} of at least {self.min_sample} samples"

    def _limit_text(self, apart_from: float) -> str:
        return figure_text(self.limit, self.unit, apart_from=apart_from)


def guard_rails(settings: GuardRailSettings) -> tuple[GuardRail, ...]:
    """The five: drawdown, rule violations, errors, latency, calibration.

    >>> [rail.metric for rail in guard_rails(GuardRailSettings())]
    ['max_drawdown_bps', 'risk_violation_rate', 'error_rate', 'latency_p99_ms', 'ece']
    """
    n = settings.min_sample
    return (
        GuardRail(metric="max_drawdown_bps", limit=settings.max_drawdown_bps, min_sample=1, unit=Unit.BPS),
        GuardRail(metric="risk_violation_rate", limit=settings.risk_violation_rate, min_sample=n, unit=Unit.PERCENT),
        GuardRail(metric="error_rate", limit=settings.error_rate, min_sample=n, unit=Unit.PERCENT),
        GuardRail(metric="latency_p99_ms", limit=settings.latency_p99_ms, min_sample=n),
        GuardRail(metric="ece", limit=settings.ece, min_sample=settings.min_ece_sample),
    )


def breaches(rails: tuple[GuardRail, ...], measured: Mapping[str, Measured]) -> tuple[str, ...]:
    """The reasons to roll back, one a guard-rail that was passed."""
    found = (rail.breach(measured.get(rail.metric)) for rail in rails)
    return tuple(reason for reason in found if reason is not None)


def open_rails(rails: tuple[GuardRail, ...], measured: Mapping[str, Measured]) -> tuple[str, ...]:
    """The guard-rails that nobody has measured well enough, in words; while there is one, no stage is left."""
    found = (rail.gap(measured.get(rail.metric)) for rail in rails)
    return tuple(reason for reason in found if reason is not None)
