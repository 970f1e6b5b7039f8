"""What a point-in-time proof found: per feature, and for the whole set."""

from dataclasses import dataclass
from enum import StrEnum

from pawl.errors import FutureLeakError

__all__ = ["FeatureProof", "Offence", "Proof", "ProofTest"]


class ProofTest(StrEnum):
    """Which history a value was computed from again."""

    CUT = "cut"
    WINDOW = "window"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offence:
    """The first value that did not hold. `was` comes from the whole history, `became` from the shorter one."""

    test: ProofTest
    ticker: str
    ts: object
    was: object
    became: object


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureProof:
    """What was found about one feature: cells that differ, cells that differ beside a limit, and the first offence."""

    feature: str
    mismatches: int
    near_limit: int
    first: Offence | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was found about a feature set. A cell is one feature of one ticker at one bar; both tests count it once."""

    feature_set: str
    features: tuple[FeatureProof, ...]
    cells: int

    @property
    def mismatches(self) -> int:
        """Cells whose value changed with less history."""
        return sum(each.mismatches for each in self.features)

    @property
    def near_limit(self) -> int:
        """Indicator cells that differ where a compared number lies within its tolerance of the limit."""
        return sum(each.near_limit for each in self.features)

    def require_pass(self) -> None:
        """FutureLeakError, naming the worst feature and its first offence, unless every value held."""
        if not self.mismatches:
            return
        leaking = [each for each in self.features if each.mismatches]
        worst = max(leaking, key=lambda each: each.mismatches)
        assert worst.first is not None  # a mismatch always leaves its first offence
        others = f"; {len(leaking) - 1} more features differ" if len(leaking) > 1 else ""
        seen = worst.first
        if seen.test is ProofTest.CUT:
            how, fix = "history was cut there", "read rows up to the current one only, or declare it a label"
        else:
            how, fix = "only its look-back was left", "declare a longer look-back, or read fewer rows"
        raise FutureLeakError(
            f"`{worst.feature}` changed on {worst.mismatches} bars; first {seen.ticker} at {seen.ts}: "
            f"{seen.was} became {seen.became} when {how}{others}",
            where=f"feature set {self.feature_set}",
            fix=fix,
        )
