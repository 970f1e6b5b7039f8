"""A verdict as JSON values and back: what is stored says the same as what was judged."""

import math
from collections.abc import Mapping
from typing import Any

from pawl.errors import CorruptArtifactError, SettingsError
from pawl.gates.condition import Absolute, Condition, Direction, Domain, Floor, Relative, Requirement, Tolerance, Unit
from pawl.gates.figure import Figure, Measured, Unmeasured
from pawl.gates.verdict import Outcome, Row, Verdict

__all__ = ["verdict_from_json", "verdict_to_json"]


def verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    """As JSON values; NaN and the infinities as text, for they must not vanish from the record.

    >>> verdict_to_json(Verdict(gate="empty", rows=(), is_first=False))
    {'gate': 'empty', 'passed': False, 'is_first': False, 'rows': []}
    """
    return {
        "gate": verdict.gate,
        "passed": verdict.passed,
        "is_first": verdict.is_first,
        "rows": [_row_to_json(row) for row in verdict.rows],
    }


def verdict_from_json(values: Mapping[str, Any]) -> Verdict:
    """Read what `verdict_to_json` wrote; CorruptArtifactError for anything else."""
    try:
        rows = tuple(_row_from_json(row) for row in values["rows"])
        found = Verdict(gate=values["gate"], rows=rows, is_first=values["is_first"])
        is_same = found.passed is values["passed"]
    except (KeyError, TypeError, ValueError, AttributeError, SettingsError) as error:
        raise _unreadable(f"it cannot be read: {error!r}") from error
    if not is_same:
        raise _unreadable("its rows say something else than its result")
    return found


def _unreadable(what: str) -> CorruptArtifactError:
    return CorruptArtifactError(f"a stored verdict is damaged: {what}", where="ledger", fix="judge the version again")


def _row_to_json(row: Row) -> dict[str, Any]:
    return {
        "requirement": _requirement_to_json(row.requirement),
        "champion": _measured_to_json(row.champion),
        "challenger": _measured_to_json(row.challenger),
        "limit": None if row.limit is None else _number_to_json(row.limit),
        "outcome": row.outcome.value,
        "reason": row.reason,
    }


def _row_from_json(values: Mapping[str, Any]) -> Row:
    return Row(
        requirement=_requirement_from_json(values["requirement"]),
        champion=_measured_from_json(values["champion"]),
        challenger=_measured_from_json(values["challenger"]),
        limit=None if values["limit"] is None else float(values["limit"]),
        outcome=Outcome(values["outcome"]),
        reason=values["reason"],
    )


def _requirement_to_json(one: Requirement) -> dict[str, Any]:
    shared = {
        "metric": one.metric,
        "min_sample": one.min_sample,
        "unit": one.unit.value,
        "domain": [_number_to_json(one.domain.low), _number_to_json(one.domain.high)],
    }
    if isinstance(one, Floor):
        return {**shared, "above": one.above}
    return {**shared, "direction": one.direction.value, "tolerance": _tolerance_to_json(one.tolerance)}


def _requirement_from_json(values: Mapping[str, Any]) -> Requirement:
    low, high = values["domain"]
    metric, min_sample = values["metric"], values["min_sample"]
    unit, domain = Unit(values["unit"]), Domain(float(low), float(high))
    if "above" in values:
        return Floor(metric=metric, above=values["above"], min_sample=min_sample, unit=unit, domain=domain)
    return Condition(
        metric=metric,
        direction=Direction(values["direction"]),
        tolerance=_tolerance_from_json(values["tolerance"]),
        min_sample=min_sample,
        unit=unit,
        domain=domain,
    )


def _tolerance_to_json(tolerance: Tolerance) -> dict[str, float]:
    if isinstance(tolerance, Absolute):
        return {"amount": tolerance.amount}
    return {"fraction": tolerance.fraction, "at_zero": tolerance.at_zero}


def _tolerance_from_json(values: Mapping[str, float]) -> Tolerance:
    return Absolute(**values) if "amount" in values else Relative(**values)


def _measured_to_json(one: Measured | None) -> dict[str, Any] | None:
    if one is None:
        return None
    if isinstance(one, Unmeasured):
        return {"error": one.reason}
    return {"value": _number_to_json(one.value), "n": int(one.n), "note": one.note}


def _measured_from_json(values: Mapping[str, Any] | None) -> Measured | None:
    if values is None:
        return None
    if "error" in values:
        return Unmeasured(values["error"])
    return Figure(float(values["value"]), values["n"], values["note"])


def _number_to_json(value: float) -> float | str:
    return float(value) if math.isfinite(value) else str(float(value))
