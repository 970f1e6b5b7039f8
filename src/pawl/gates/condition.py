"""Rows of a gate: one metric each, compared with the champion's or with a fixed limit."""

import math
from dataclasses import dataclass
from enum import StrEnum

from pawl.errors import SettingsError

__all__ = [
    "ANY",
    "Absolute",
    "Condition",
    "Direction",
    "Domain",
    "Floor",
    "Relative",
    "Requirement",
    "Tolerance",
    "Unit",
]

# Means of the same trades, summed in another order, differ in the last digits; that is equality.
ROUNDING = 1e-12


class Direction(StrEnum):
    """Which way a metric is better."""

    HIGHER = "higher"
    LOWER = "lower"


class Unit(StrEnum):
    """How a figure is written: a fraction as percent, basis points, or the bare number."""

    PERCENT = "percent"
    BPS = "bps"
    SCORE = "score"


@dataclass(frozen=True, slots=True)
class Absolute:
    """An allowance in the metric's own unit."""

    amount: float = 0.0

    def __post_init__(self) -> None:
        _require_allowance(self.amount)

    def allowance(self, champion: float) -> float:
        """How much worse than the champion still passes."""
        return self.amount


@dataclass(frozen=True, slots=True)
class Relative:
    """An allowance as a fraction of the champion's figure.

    at_zero: the allowance, in the metric's unit, where the champion's figure is 0: a share of nothing allows nothing,
    and a champion that never lost would stay for ever.

    >>> Relative(0.10, at_zero=0.005).allowance(0.04), Relative(0.10, at_zero=0.005).allowance(0.0)
    (0.004, 0.005)
    """

    fraction: float
    at_zero: float = 0.0

    def __post_init__(self) -> None:
        _require_allowance(self.fraction)
        _require_allowance(self.at_zero)

    def allowance(self, champion: float) -> float:
        """How much worse than the champion still passes."""
        return abs(champion) * self.fraction if champion != 0.0 else self.at_zero


Tolerance = Absolute | Relative


@dataclass(frozen=True, slots=True)
class Domain:
    """The values a metric can take, both ends included. One outside was measured wrongly: a negative drawdown, say."""

    low: float = -math.inf
    high: float = math.inf

    def holds(self, value: float) -> bool:
        """Whether the value can be one of the metric."""
        return self.low <= value <= self.high


ANY = Domain()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The challenger's figure is not worse than the champion's, but for the tolerance. Equality passes.

    min_sample: what each of the two figures must rest on, in the count of the metric (decisions, days).

    >>> mdd = Condition(metric="max_drawdown", direction=Direction.LOWER, tolerance=Relative(0.1), min_sample=60)
    >>> round(mdd.limit(0.04), 6), mdd.is_met(0.044, 0.044), mdd.is_met(0.045, 0.044)
    (0.044, True, False)
    """

    metric: str
    direction: Direction
    tolerance: Tolerance
    min_sample: int
    unit: Unit = Unit.SCORE
    domain: Domain = ANY

    def __post_init__(self) -> None:
        _require_sample(self.metric, self.min_sample)

    def limit(self, champion: float) -> float:
        """The worst figure that passes against this champion."""
        allowance = self.tolerance.allowance(champion)
        return champion - allowance if self.direction is Direction.HIGHER else champion + allowance

    def is_met(self, challenger: float, limit: float) -> bool:
        """Whether the figure is on the right side of the limit, or on it."""
        is_better = challenger > limit if self.direction is Direction.HIGHER else challenger < limit
        return is_better or math.isclose(challenger, limit, rel_tol=ROUNDING)

    @property
    def sign(self) -> str:
        """The comparison as it is printed before the limit."""
        return "≥" if self.direction is Direction.HIGHER else "≤"

    @property
    def breach(self) -> str:
        """Where a figure lies that does not pass."""
        return "under" if self.direction is Direction.HIGHER else "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The challenger's figure lies above a fixed limit; the limit itself does not pass.

    For figures that hold the comparison already (the lower bound of a paired difference) or need none.

    >>> gain = Floor(metric="net_return_gain_low", above=0.0, min_sample=60)
    >>> gain.is_met(0.0, gain.above), gain.is_met(0.1, gain.above)
    (False, True)
    """

    metric: str
    above: float
    min_sample: int
    unit: Unit = Unit.SCORE
    domain: Domain = ANY

    def __post_init__(self) -> None:
        _require_sample(self.metric, self.min_sample)
        if not math.isfinite(self.above):
            raise _bad(f"the floor of `{self.metric}` is {self.above}", "give a finite limit")

    def is_met(self, challenger: float, limit: float) -> bool:
        """Whether the figure lies above the limit."""
        return challenger > limit

    @property
    def sign(self) -> str:
        """The comparison as it is printed before the limit."""
        return ">"

    @property
    def breach(self) -> str:
        """Where a figure lies that does not pass."""
        return "not above"


Requirement = Condition | Floor


def _require_allowance(amount: float) -> None:
    if not 0.0 <= amount < math.inf:
        raise _bad(f"a tolerance of {amount}", "give a finite tolerance ≥ 0")


def _require_sample(metric: str, min_sample: int) -> None:
    if min_sample < 1:
        raise _bad(f"`{metric}` would be judged on {min_sample} samples", "ask for at least 1")


def _bad(what: str, fix: str) -> SettingsError:
    return SettingsError(what, where="gate", fix=fix)
