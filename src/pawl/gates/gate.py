"""A gate: rows of requirements, judged fail-closed on what was measured of the champion and of the challenger."""

import math
from dataclasses import dataclass

from pawl.errors import SettingsError
from pawl.gates.condition import Condition, Floor, Requirement
from pawl.gates.figure import Figure, Figures, Measured, Unmeasured
from pawl.gates.verdict import Outcome, Row, Verdict
from pawl.gates.wording import figure_text, no_figure, title

__all__ = ["Gate"]


@dataclass(frozen=True, slots=True)
class Gate:
    """Named requirements, one a metric. Whatever is absent, NaN, infinite, out of its range or under-sampled fails.

    >>> from pawl.gates.condition import Absolute, Direction
    >>> hits = Condition(metric="hit_rate", direction=Direction.HIGHER, tolerance=Absolute(), min_sample=100)
    >>> gate = Gate("example", (hits,))
    >>> gate.judge({"hit_rate": Figure(0.52, 400)}, {"hit_rate": Figure(0.52, 400)}).passed
    True
    >>> gate.judge({"hit_rate": Figure(0.52, 400)}, {}).reasons
    ('challenger: hit rate was not measured',)
    """

    name: str
    requirements: tuple[Requirement, ...]

    def __post_init__(self) -> None:
        metrics = [one.metric for one in self.requirements]
        if not metrics or len(set(metrics)) < len(metrics):
            raise SettingsError(
                f"gate `{self.name}` judges {', '.join(metrics) or 'nothing'}",
                where="gate",
                fix="give it at least one row, and each metric once",
            )

    def judge(self, champion: Figures, challenger: Figures) -> Verdict:
        """Compare a challenger with the champion; both measured on the same rows."""
        return Verdict(
            gate=self.name,
            rows=tuple(
                _judge_floor(one, challenger.get(one.metric))
                if isinstance(one, Floor)
                else _judge_condition(one, champion.get(one.metric), challenger.get(one.metric))
                for one in self.requirements
            ),
            is_first=False,
        )

    def judge_first(self, challenger: Figures) -> Verdict:
        """Judge a version while nothing serves. There is no champion to be better than, and refusing the first version
        for its figures would keep the loop from ever starting; so it passes, unless what the comparison with the next
        version will need could not be measured. Samples are recorded, not judged.
        """
        return Verdict(
            gate=self.name,
            rows=tuple(_judge_first(one, challenger.get(one.metric)) for one in self.requirements),
            is_first=True,
        )


def _judge_condition(one: Condition, champion: Measured | None, challenger: Measured | None) -> Row:
    faults = [*_faults(one, "champion", champion), *_faults(one, "challenger", challenger)]
    if faults or not isinstance(champion, Figure) or not isinstance(challenger, Figure):
        return _row(one, champion, challenger, limit=None, outcome=Outcome.FAIL, reason="; ".join(faults))
    limit = one.limit(champion.value)
    if not math.isfinite(limit):
        reason = f"no limit can be drawn from the champion's {title(one.metric)}"
        return _row(one, champion, challenger, limit=None, outcome=Outcome.FAIL, reason=reason)
    outcome, reason = _compare(one, challenger, limit)
    return _row(one, champion, challenger, limit=limit, outcome=outcome, reason=reason)


def _judge_floor(one: Floor, challenger: Measured | None) -> Row:
    faults = _faults(one, "challenger", challenger)
    if faults or not isinstance(challenger, Figure):
        return _row(one, None, challenger, limit=one.above, outcome=Outcome.FAIL, reason="; ".join(faults))
    outcome, reason = _compare(one, challenger, one.above)
    return _row(one, None, challenger, limit=one.above, outcome=outcome, reason=reason)


def _judge_first(one: Requirement, challenger: Measured | None) -> Row:
    limit = one.above if isinstance(one, Floor) else None
    fault = None if isinstance(one, Floor) else _value_fault(one, challenger)
    if fault is not None:
        return _row(one, None, challenger, limit=limit, outcome=Outcome.FAIL, reason=f"challenger: {fault}")
    return _row(one, None, challenger, limit=limit, outcome=Outcome.NOT_COMPARED, reason="nothing serves yet")


def _row(
    one: Requirement,
    champion: Measured | None,
    challenger: Measured | None,
    *,
    limit: float | None,
    outcome: Outcome,
    reason: str,
) -> Row:
    return Row(requirement=one, champion=champion, challenger=challenger, limit=limit, outcome=outcome, reason=reason)


def _compare(one: Requirement, challenger: Figure, limit: float) -> tuple[Outcome, str]:
    value = challenger.value
    note = f" ({challenger.note})" if challenger.note else ""
    found = f"{title(one.metric)} {figure_text(value, one.unit, apart_from=limit)}{note}"
    bound = figure_text(limit, one.unit, apart_from=value)
    if one.is_met(value, limit):
        return Outcome.PASS, f"{found} is {one.sign} {bound}"
    return Outcome.FAIL, f"{found} is {one.breach} its limit of {bound}"


def _faults(one: Requirement, whose: str, measured: Measured | None) -> list[str]:
    """Why a figure may not be compared, naming the side; nothing when it may."""
    fault = _value_fault(one, measured) or _sample_fault(one, measured)
    return [] if fault is None else [f"{whose}: {fault}"]


def _value_fault(one: Requirement, measured: Measured | None) -> str | None:
    if measured is None:
        return f"{title(one.metric)} was not measured"
    if isinstance(measured, Unmeasured):
        return f"{title(one.metric)} could not be measured: {measured.reason}"
    if not math.isfinite(measured.value):
        return f"{title(one.metric)} {no_figure(measured.value, measured.n, one.min_sample)}"
    if not one.domain.holds(measured.value):
        return f"{title(one.metric)} of {figure_text(measured.value, one.unit)} cannot be one"
    return None


def _sample_fault(one: Requirement, measured: Measured | None) -> str | None:
    n = measured.n if isinstance(measured, Figure) else 0
    return None if n >= one.min_sample else f"{title(one.metric)} rests on {n} of at least {one.min_sample} samples"
