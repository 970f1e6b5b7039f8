"""The plan a policy model answers with: its contract, and what becomes of an answer that breaks it.

The JSON holds `direction` (long, short, neutral), `entry_plan` (zone, split), `risk_plan` (sl_bps, max_position_pct),
`tp_plan` (level, tp_bps, size_pct each), `confidence`, `rationale` and `invalidators`: all of them, and nothing else.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from pawl.errors import InputError
from pawl.policy.action import Action
from pawl.policy.risk_rules import Exposure

__all__ = [
    "NEUTRAL",
    "EntryPlan",
    "Plan",
    "PlanReading",
    "RiskPlan",
    "TakeProfit",
    "parse_plan",
    "plan_payload",
    "read_plan",
]

WORDS = {"long": Action.LONG, "short": Action.SHORT, "neutral": Action.FLAT}
TAKEN_WHOLE = 100.0
# 0.4 + 35.2 + 64.4 as floats is 100.00000000000001.
ROUNDING = 1e-9


def _finite(*values: float) -> bool:
    try:
        return all(math.isfinite(value) for value in values)
    except OverflowError:
        return False


def _check(field: str, found: object, *, allowed: bool) -> None:
    if not allowed:
        raise _bad(field, f"{found} is not allowed")


def _bad(field: str, what: str) -> InputError:
    return InputError(what, where=f"plan, {field}", fix="see the contract at the head of policy/plan.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPlan:
    """Where to enter: prices low ≤ high, in `split` orders."""

    low: float
    high: float
    split: int

    def __post_init__(self) -> None:
        is_ordered = _finite(self.low, self.high) and self.low <= self.high
        _check("entry_plan.zone", [self.low, self.high], allowed=is_ordered)
        _check("entry_plan.split", self.split, allowed=self.split >= 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskPlan:
    """How much to risk: distance of the stop loss in bps of the entry, largest position in percent of the capital."""

    sl_bps: float
    max_position_pct: float

    def __post_init__(self) -> None:
        _check("risk_plan.sl_bps", self.sl_bps, allowed=_finite(self.sl_bps))
        is_share = 0 <= self.max_position_pct <= TAKEN_WHOLE
        _check("risk_plan.max_position_pct", self.max_position_pct, allowed=is_share)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeProfit:
    """One level of profit: at `tp_bps` from the entry, `size_pct` of the position is closed."""

    level: int
    tp_bps: float
    size_pct: float

    def __post_init__(self) -> None:
        _check("tp_plan.tp_bps", self.tp_bps, allowed=_finite(self.tp_bps) and self.tp_bps > 0)
        # A negative size would let the others sum to more than the whole.
        _check("tp_plan.size_pct", self.size_pct, allowed=0 <= self.size_pct <= TAKEN_WHOLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan that keeps the contract: none that breaks it can be made."""

    direction: Action
    entry_plan: EntryPlan
    risk_plan: RiskPlan
    tp_plan: tuple[TakeProfit, ...]
    confidence: float
    rationale: str
    invalidators: tuple[str, ...]

    def __post_init__(self) -> None:
        has_stop = not self.direction.is_position or self.risk_plan.sl_bps > 0
        _check("risk_plan.sl_bps", f"{self.risk_plan.sl_bps} for {self.direction}", allowed=has_stop)
        levels = [each.level for each in self.tp_plan]
        _check("tp_plan.level", levels, allowed=all(low < high for low, high in pairwise(levels)))
        taken = math.fsum(each.size_pct for each in self.tp_plan)
        _check("tp_plan.size_pct", f"{taken:g} in all", allowed=taken <= TAKEN_WHOLE + ROUNDING)
        _check("confidence", self.confidence, allowed=0 <= self.confidence <= 1)
        for text in (self.rationale, *self.invalidators):
            # PostgreSQL's jsonb takes neither.
            is_storable = "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
            _check("text", "a NUL or half a surrogate pair", allowed=is_storable)


NEUTRAL = Plan(
    direction=Action.FLAT,
    entry_plan=EntryPlan(low=0.0, high=0.0, split=1),
    risk_plan=RiskPlan(sl_bps=0.0, max_position_pct=0.0),
    tp_plan=(),
    confidence=0.0,
    rationale="",
    invalidators=(),
)
"""What stands in for an answer that is invalid or did not come: no side, no size, no confidence."""


@dataclass(frozen=True, slots=True)
class PlanReading:
    """A plan as it may be acted on. fault: why the answer was replaced by NEUTRAL; None where it was valid."""

    plan: Plan
    fault: str | None = None

    @property
    def is_invalid_output(self) -> bool:
        """What the risk rules count as a breach."""
        return self.fault is not None

    def exposure(self, leverage: float | None) -> Exposure:
        """What the risk rules read of it, at the leverage it would be taken with (the contract names none)."""
        risk = self.plan.risk_plan
        return Exposure(
            direction=self.plan.direction,
            sl_bps=risk.sl_bps,
            leverage=leverage,
            size_pct=risk.max_position_pct,
            max_position_pct=risk.max_position_pct,
            is_invalid_output=self.is_invalid_output,
        )


def read_plan(text: str) -> PlanReading:
    """The plan in a model's answer; an answer that breaks the contract gives NEUTRAL and says why.

    >>> read_plan('{"direction": "up"}').fault
    'plan.entry_plan: is missing'
    """
    try:
        return PlanReading(parse_plan(text))
    except InputError as error:
        return PlanReading(NEUTRAL, f"{error.where.removeprefix('plan, ')}: {error.what}")


def parse_plan(text: str) -> Plan:
    """The plan in a JSON text. InputError, naming the field, for anything the contract does not allow.

    NaN, Infinity, numbers that no float holds, a key given twice and unknown keys are refused; so are 3.0 and true
    where an int is asked for.
    """
    fields = _fields(
        _json(text),
        "plan",
        ("direction", "entry_plan", "risk_plan", "tp_plan", "confidence", "rationale", "invalidators"),
    )
    return Plan(
        direction=_direction(fields["direction"]),
        entry_plan=_entry_plan(fields["entry_plan"]),
        risk_plan=_risk_plan(fields["risk_plan"]),
        tp_plan=tuple(_take_profit(each) for each in _list(fields["tp_plan"], "tp_plan")),
        confidence=_number(fields["confidence"], "confidence"),
        rationale=_text(fields["rationale"], "rationale"),
        invalidators=tuple(_text(each, "invalidators") for each in _list(fields["invalidators"], "invalidators")),
    )


def plan_payload(plan: Plan) -> dict[str, object]:
    """The plan as the contract writes it, ready for JSON; `parse_plan` reads the same plan from it.

    >>> plan_payload(NEUTRAL)["direction"], parse_plan(json.dumps(plan_payload(NEUTRAL))) == NEUTRAL
    ('neutral', True)
    """
    words = {action: word for word, action in WORDS.items()}
    return {
        "direction": words[plan.direction],
        "entry_plan": {"zone": [plan.entry_plan.low, plan.entry_plan.high], "split": plan.entry_plan.split},
        "risk_plan": {"sl_bps": plan.risk_plan.sl_bps, "max_position_pct": plan.risk_plan.max_position_pct},
        "tp_plan": [{"level": each.level, "tp_bps": each.tp_bps, "size_pct": each.size_pct} for each in plan.tp_plan],
        "confidence": plan.confidence,
        "rationale": plan.rationale,
        "invalidators": list(plan.invalidators),
    }


def _entry_plan(value: object) -> EntryPlan:
    fields = _fields(value, "entry_plan", ("zone", "split"))
    zone = _list(fields["zone"], "entry_plan.zone")
    _check("entry_plan.zone", f"{len(zone)} numbers", allowed=len(zone) == 2)
    low, high = (_number(each, "entry_plan.zone") for each in zone)
    return EntryPlan(low=low, high=high, split=_int(fields["split"], "entry_plan.split"))


def _risk_plan(value: object) -> RiskPlan:
    fields = _fields(value, "risk_plan", ("sl_bps", "max_position_pct"))
    return RiskPlan(
        sl_bps=_number(fields["sl_bps"], "risk_plan.sl_bps"),
        max_position_pct=_number(fields["max_position_pct"], "risk_plan.max_position_pct"),
    )


def _take_profit(value: object) -> TakeProfit:
    fields = _fields(value, "tp_plan", ("level", "tp_bps", "size_pct"))
    return TakeProfit(
        level=_int(fields["level"], "tp_plan.level"),
        tp_bps=_number(fields["tp_bps"], "tp_plan.tp_bps"),
        size_pct=_number(fields["size_pct"], "tp_plan.size_pct"),
    )


def _json(text: str) -> object:
    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a key is given twice")
        return found

    try:
        parsed: object = json.loads(text, object_pairs_hook=once)
    # An int of more than 4300 digits is a ValueError too; brackets by the thousand are a RecursionError.
    except (ValueError, RecursionError) as error:
        raise _bad("JSON", f"cannot be read: {error}") from error
    return parsed


def _fields(value: object, name: str, expected: Iterable[str]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _bad(name, "is not an object")
    for field in expected:
        if field not in value:
            raise _bad(f"{name}.{field}", "is missing")
    unknown = sorted(set(value) - set(expected))
    if unknown:
        raise _bad(name, f"holds the unknown field {unknown[0][:40]!r}")
    return value


def _list(value: object, name: str) -> list[object]:
    if not isinstance(value, list):
        raise _bad(name, "is not a list")
    return value


def _number(value: object, name: str) -> float:
    # A bool is an int to Python, not to the contract.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _bad(name, "is not a number")
    if not _finite(value):
        raise _bad(name, "is not a number that a float holds")
    return float(value)


def _int(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _bad(name, "is not an int")
    if not _finite(value):
        raise _bad(name, "is not an int that a float holds")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise _bad(name, "is not a text")
    return value


def _direction(value: object) -> Action:
    action = WORDS.get(value) if isinstance(value, str) else None
    if action is None:
        raise _bad("direction", f"is none of {', '.join(WORDS)}")
    return action
