"""What a gate says: pass or fail, row by row, with the figures and the reason of each."""

from dataclasses import dataclass
from enum import StrEnum

from pawl.gates.condition import Requirement
from pawl.gates.figure import Measured

__all__ = ["Outcome", "Row", "Verdict"]


class Outcome(StrEnum):
    """What one row says. `not compared`: nothing serves, so there is nothing to be better than."""

    PASS = "pass"
    FAIL = "fail"
    NOT_COMPARED = "not compared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One requirement, judged. champion and challenger: None where absent. limit: None where none could be drawn."""

    requirement: Requirement
    champion: Measured | None
    challenger: Measured | None
    limit: float | None
    outcome: Outcome
    reason: str

    @property
    def metric(self) -> str:
        """The metric it is about."""
        return self.requirement.metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All rows of a gate, judged. It passes when there are rows and none of them fails.

    gate: its name. rows: in the order of the gate. is_first: nothing served when it was given.

    >>> Verdict(gate="empty", rows=(), is_first=False).passed
    False
    """

    gate: str
    rows: tuple[Row, ...]
    is_first: bool

    @property
    def passed(self) -> bool:
        """Whether the challenger may replace the champion, or start the series where there is none."""
        return bool(self.rows) and not self.failures

    @property
    def failures(self) -> tuple[Row, ...]:
        """The rows that fail."""
        return tuple(row for row in self.rows if row.outcome is Outcome.FAIL)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it says what it says: the reasons of the failing rows, or the one reason it passes."""
        if not self.rows:
            return ("the gate has no rows, and nothing passes unmeasured",)
        if self.failures:
            return tuple(row.reason for row in self.failures)
        if self.is_first:
            return ("nothing serves yet: this version starts the series",)
        return (f"all {len(self.rows)} conditions hold",)
