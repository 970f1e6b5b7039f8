"""What a replay is of: its bars, its retrainings, and everything it follows from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl

from pawl.errors import InputError
from pawl.evaluation.costs import Costs
from pawl.gates.policy_gate import GateSettings
from pawl.jobs.code_version import code_version, library_versions
from pawl.learners.learner import LearnerSpec
from pawl.market.fingerprint import hash_bars
from pawl.market.limits import QualityLimits

__all__ = ["POLICIES", "ReplayOrder", "Step", "inputs_of", "report_from", "steps"]

POLICIES = ("gated", "always", "frozen")

MIN_REPORT_DAYS = 60
"""Trading days that the newest block holds at least, however often a learner is retrained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOrder:
    """start, end: instants in virtual time, [start, end). now: the wall clock, in no hash.

    window: how far back a training reads (None: all history). retrain_every: None takes the learner's cadence.
    """

    start: datetime
    end: datetime
    now: datetime
    seed: int
    costs: Costs
    gate: GateSettings
    limits: QualityLimits
    retrain_every: timedelta
    window: timedelta | None = None
    tickers: tuple[str, ...] | None = None
    policies: tuple[str, ...] = POLICIES
    n_jobs: int = 1

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise InputError(
                f"the replay ends at {self.end:%Y-%m-%d}, not after its start", where="--to", fix="choose a later --to"
            )
        if self.retrain_every < timedelta(days=1):
            raise InputError(
                f"retraining every {self.retrain_every}", where="--retrain-every", fix="choose a day or more, like 91d"
            )
        if self.window is not None and self.window < timedelta(days=1):
            raise InputError(
                f"a training would read back {self.window}", where="--window", fix="choose some years, like 730d"
            )
        unknown = [policy for policy in self.policies if policy not in POLICIES]
        if unknown or not self.policies:
            raise InputError(
                f"unknown policies: {', '.join(unknown) or 'none given'}",
                where="--policies",
                fix=f"choose among {', '.join(POLICIES)}",
            )

    def reads_from(self, step: "Step") -> datetime | None:
        """The first open time that the training of a step reads; None for all history."""
        return step.begin - self.window if self.window else None


@dataclass(frozen=True, slots=True)
class Step:
    """One training, at `begin`, and the bars decided on until the next: those that close in (begin, end]."""

    number: int
    begin: datetime
    end: datetime

    def holds(self) -> pl.Expr:
        """Whether a bar's close lies in the step."""
        return pl.col("available_at").is_between(self.begin, self.end, closed="right")


def steps(order: ReplayOrder) -> list[Step]:
    """The trainings of a replay, the first one at its start."""
    instants = [order.start]
    while instants[-1] + order.retrain_every < order.end:
        instants.append(instants[-1] + order.retrain_every)
    return [Step(number, begin, end) for number, (begin, end) in enumerate(pairwise([*instants, order.end]))]


def report_from(bars: pl.DataFrame, order: ReplayOrder, begin: datetime) -> datetime:
    """Where the newest block of a training at `begin` starts: one cadence back, or 60 trading days if that is more."""
    closes = bars.filter(pl.col("available_at") < begin)["available_at"].unique().sort()
    least: datetime = closes[max(0, len(closes) - MIN_REPORT_DAYS)]
    return min(begin - order.retrain_every, least)


def inputs_of(order: ReplayOrder, spec: LearnerSpec, bars: pl.DataFrame, config: Mapping[str, Any]) -> dict[str, Any]:
    """Everything a replay follows from; not how many workers it ran on, nor when."""
    return {
        "learner": spec.name,
        "config": dict(config),
        "bars": hash_bars(bars),
        "from": order.start.isoformat(),
        "to": order.end.isoformat(),
        "retrain_every_sec": order.retrain_every.total_seconds(),
        "window_sec": order.window.total_seconds() if order.window else None,
        "policies": list(order.policies),
        "seed": order.seed,
        "costs": order.costs.model_dump(),
        "gate": order.gate.model_dump(),
        "quality": order.limits.model_dump(),
        "code": code_version(),
        "libraries": dict(library_versions()),
    }
