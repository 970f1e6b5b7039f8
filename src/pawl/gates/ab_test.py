"""Two versions share the decisions of a learner for some days; who won is decided once, at the end, by a z-test."""

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from pawl.errors import InputError, NotFoundError, RefusalError
from pawl.gates.routing import place_of
from pawl.ids import ModelVersion

__all__ = [
    "AbCounts",
    "AbResult",
    "AbSettings",
    "AbTest",
    "ClosedTest",
    "Decider",
    "Winner",
    "arm_of",
    "close_earlier",
    "decide",
    "decider_of",
    "two_proportion_p",
]


class AbSettings(BaseModel):
    """When an A/B test has a winner. Settings key `ab_test`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    significance: float = Field(0.05, gt=0, lt=1, description="p-value below which the arms differ, two-sided")
    min_resolved: int = Field(30, ge=2, description="resolved signals that each arm needs, else a tie, count")


class Winner(StrEnum):
    """Who won: the version that served (a), the new one (b), or nobody, which keeps a."""

    MODEL_A = "model_a"
    MODEL_B = "model_b"
    TIE = "tie"


@dataclass(frozen=True, slots=True, kw_only=True)
class AbTest:
    """A test as it runs. traffic_split: share of A, the version that served. ends_at: when it is decided, once."""

    test_id: str
    model_a: ModelVersion
    model_b: ModelVersion
    traffic_split: float
    started_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        if self.model_a == self.model_b or not 0.0 <= self.traffic_split <= 1.0 or self.ends_at <= self.started_at:
            raise InputError(
                f"a test of {self.model_a} against {self.model_b} at {self.traffic_split} until {self.ends_at}",
                where="A/B test",
                fix="give two versions, a split in [0, 1], and an end after the start",
            )


@dataclass(frozen=True, slots=True)
class AbCounts:
    """One arm: resolved signals that won, and all that resolved as win or loss."""

    n_wins: int
    n_resolved: int

    def __post_init__(self) -> None:
        if not 0 <= self.n_wins <= self.n_resolved:
            raise InputError(
                f"{self.n_wins} wins of {self.n_resolved}", where="A/B test", fix="count the signals of the arm again"
            )

    @property
    def win_rate(self) -> float | None:
        """Wins over resolved; None without one."""
        return self.n_wins / self.n_resolved if self.n_resolved else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AbResult:
    """p_value: None where an arm has no resolved signal. reason: in words."""

    winner: Winner
    p_value: float | None
    is_significant: bool
    win_rate_a: float | None
    win_rate_b: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTest:
    """An earlier test that must be closed before a new one starts. status: `completed`, to be decided on what it has,
    where its end has come; else `stopped`, which has no winner.
    """

    test_id: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """Who decides on a bar, as it is stored with the signal. ab_test_id: of the test that drew it; None without one."""

    version: ModelVersion
    ab_test_id: str | None


def decider_of(
    running: AbTest | None, active: ModelVersion | None, pair: str, timeframe: str, bar_timestamp: datetime
) -> Decider:
    """The arm of the running test; without a test the active version; NotFoundError where nothing is active."""
    if running is not None:
        return Decider(version=arm_of(running, pair, timeframe, bar_timestamp), ab_test_id=running.test_id)
    if active is None:
        raise NotFoundError("no version is active", where="A/B routing", fix="promote one: pawl promote VERSION")
    return Decider(version=active, ab_test_id=None)


def arm_of(test: AbTest, pair: str, timeframe: str, bar_timestamp: datetime) -> ModelVersion:
    """The version that decides on a bar: the same one at every retry, A for `traffic_split` of all bars."""
    place = place_of(test.test_id, pair, timeframe, bar_timestamp.isoformat())
    return test.model_a if place < test.traffic_split else test.model_b


def two_proportion_p(a: AbCounts, b: AbCounts) -> float | None:
    """Two-sided p-value of the pooled z-test of two win rates; None without a signal in an arm, 1 where all are alike.

    z = (p_b − p_a) / √(p (1 − p) (1 / n_a + 1 / n_b)), p of both arms together.

    >>> two_proportion_p(AbCounts(50, 100), AbCounts(65, 100)), two_proportion_p(AbCounts(0, 9), AbCounts(0, 5))
    (0.03190525523659656, 1.0)
    """
    if not a.n_resolved or not b.n_resolved:
        return None
    together = (a.n_wins + b.n_wins) / (a.n_resolved + b.n_resolved)
    variance = together * (1.0 - together) * (1.0 / a.n_resolved + 1.0 / b.n_resolved)
    if variance == 0.0:
        return 1.0
    z = (b.n_wins / b.n_resolved - a.n_wins / a.n_resolved) / math.sqrt(variance)
    return math.erfc(abs(z) / math.sqrt(2.0))


def decide(test: AbTest, a: AbCounts, b: AbCounts, settings: AbSettings, now: datetime) -> AbResult:
    """Who won: asked once, the answer kept. RefusalError before the end: the test is valid because nobody peeks."""
    if now < test.ends_at:
        raise RefusalError(
            f"test {test.test_id} runs until {test.ends_at:%Y-%m-%d %H:%M} UTC",
            where="A/B test",
            fix="wait for its end, or stop it, which leaves no winner",
        )
    p_value = two_proportion_p(a, b)
    is_enough = min(a.n_resolved, b.n_resolved) >= settings.min_resolved
    is_significant = is_enough and p_value is not None and p_value < settings.significance
    if not is_enough:
        fewest = min(a.n_resolved, b.n_resolved)
        winner, reason = Winner.TIE, f"an arm has {fewest} of at least {settings.min_resolved} resolved signals"
    elif not is_significant:
        winner, reason = Winner.TIE, f"the win rates do not differ (p {p_value:.5f})"
    else:
        winner = Winner.MODEL_B if b.n_wins * a.n_resolved > a.n_wins * b.n_resolved else Winner.MODEL_A
        reason = f"{winner} wins more often (p {p_value:.5f})"
    return AbResult(
        winner=winner,
        p_value=p_value,
        is_significant=is_significant,
        win_rate_a=a.win_rate,
        win_rate_b=b.win_rate,
        reason=reason,
    )


def close_earlier(running: AbTest | None, now: datetime) -> ClosedTest | None:
    """What must be closed before a new test of the learner starts; None where none runs."""
    if running is None:
        return None
    return ClosedTest(test_id=running.test_id, status="completed" if now >= running.ends_at else "stopped")
