"""The offline gate of a policy: not worse than the champion in five figures, and truly better in one."""

from pydantic import BaseModel, ConfigDict, Field

from pawl.gates.condition import Absolute, Condition, Direction, Domain, Floor, Relative, Requirement, Unit
from pawl.gates.figure import Figure, Figures, PairedDifference, Unmeasured
from pawl.gates.gate import Gate

__all__ = ["GateSettings", "deflated_figures", "gain_metric", "paired_figures", "policy_conditions", "policy_gate"]

SHARE = Domain(0.0, 1.0)
MAGNITUDE = Domain(low=0.0)


class GateSettings(BaseModel):
    """How strict the offline gate is. Settings key `gate`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    min_decisions: int = Field(100, ge=30, description="resolved decisions that a figure a decision rests on, count")
    min_days: int = Field(40, ge=20, description="scored days that a figure a day rests on, count")
    drawdown_tolerance: float = Field(0.10, ge=0, le=1, description="allowed excess over the champion's MDD, fraction")
    drawdown_at_zero: float = Field(
        0.01, ge=0, le=1, description="allowed MDD where the champion's is 0, fraction of equity"
    )
    min_deflated_sharpe: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="deflated Sharpe to exceed, probability (0.5: better than the luckiest of the trials)",
    )


def policy_conditions(settings: GateSettings) -> tuple[Condition, ...]:
    """The five conditions every policy keeps against the champion on the same rows; each passes at equality.

    hit_rate: share of decisions with a position that went the right way. pnl_bps: mean net result a decision, bps of
    notional, after costs. max_drawdown: magnitude, fraction of equity. risk_violation_rate: share of decisions that
    broke a rule. ece: expected calibration error of the confidence.

    >>> [one.metric for one in policy_conditions(GateSettings())]
    ['hit_rate', 'pnl_bps', 'max_drawdown', 'risk_violation_rate', 'ece']
    """
    decisions, days = settings.min_decisions, settings.min_days
    drawdown = Relative(settings.drawdown_tolerance, at_zero=settings.drawdown_at_zero)
    return (
        _condition("hit_rate", Direction.HIGHER, decisions, Unit.PERCENT, SHARE),
        Condition(
            metric="pnl_bps", direction=Direction.HIGHER, tolerance=Absolute(), min_sample=decisions, unit=Unit.BPS
        ),
        Condition(
            metric="max_drawdown",
            direction=Direction.LOWER,
            tolerance=drawdown,
            min_sample=days,
            unit=Unit.PERCENT,
            domain=MAGNITUDE,
        ),
        _condition("risk_violation_rate", Direction.LOWER, decisions, Unit.PERCENT, SHARE),
        _condition("ece", Direction.LOWER, decisions, Unit.SCORE, SHARE),
    )


def policy_gate(primary_metric: str, unit: Unit, settings: GateSettings) -> Gate:
    """What a full version of a learner must pass: the five conditions, a lower bound above zero of its paired gain in
    the learner's primary metric, and a Sharpe ratio that is more than the best of all trials would show by luck.

    >>> gate = policy_gate("net_return", Unit.BPS, GateSettings())
    >>> [one.metric for one in gate.requirements][-2:]
    ['net_return_gain_low', 'deflated_sharpe']
    """
    gain = Floor(metric=gain_metric(primary_metric), above=0.0, min_sample=settings.min_days, unit=unit)
    sharpe = Floor(
        metric="deflated_sharpe", above=settings.min_deflated_sharpe, min_sample=settings.min_days, domain=SHARE
    )
    rows: tuple[Requirement, ...] = (*policy_conditions(settings), gain, sharpe)
    return Gate("policy", rows)


def gain_metric(primary_metric: str) -> str:
    """The name under which the lower bound of the paired gain is judged."""
    return f"{primary_metric}_gain_low"


def paired_figures(primary_metric: str, difference: PairedDifference) -> Figures:
    """The challenger's gain over the champion as the gate reads it.

    >>> paired_figures("net_return", PairedDifference(mean=4.0, low=1.5, high=6.5, n_days=91))
    {'net_return_gain_low': Figure(value=1.5, n=91, note='interval 1.5 … 6.5')}
    """
    return {gain_metric(primary_metric): difference.low_figure()}


def deflated_figures(deflated_sharpe: float, *, n_days: int, n_trials: int) -> Figures:
    """The Deflated Sharpe as the gate reads it.

    n_trials: every candidate ever trained for the learner times the trials searched for each, this one included; a
    figure that does not know its trials is none.

    >>> deflated_figures(0.8, n_days=91, n_trials=7)
    {'deflated_sharpe': Figure(value=0.8, n=91, note='7 trials')}
    """
    if n_trials < 1:
        return {"deflated_sharpe": Unmeasured(f"it was deflated by {n_trials} trials")}
    return {
        "deflated_sharpe": Figure(deflated_sharpe, n_days, note="1 trial" if n_trials == 1 else f"{n_trials} trials")
    }


def _condition(metric: str, direction: Direction, min_sample: int, unit: Unit, domain: Domain) -> Condition:
    return Condition(
        metric=metric, direction=direction, tolerance=Absolute(), min_sample=min_sample, unit=unit, domain=domain
    )
