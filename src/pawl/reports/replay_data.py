"""Everything the report of a replay says, as plain values: the job fills them in, the page only shows them.

Conventions as in `report_data.py`: fractions are fractions, times are timezone-aware UTC, a figure that is NaN,
infinite or None is shown as "–".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pawl.errors import SchemaError
from pawl.gates.verdict import Verdict
from pawl.reports.report_data import Interval

__all__ = ["AliasMove", "CandidateFacts", "PolicyFacts", "ReplayReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFacts:
    """One policy over the whole replay, after costs.

    figures: net_return, sharpe, max_drawdown, hit_rate, turnover, as `pawl.evaluation.trading` measures them.
    equity: `ts` (UTC), `equity` (1.0 = the starting capital), `drawdown` (fall from the running peak, fraction ≤ 0).
    calibration: one row a span between two trainings: `begin` (UTC), `n` (count), `ece`, `brier`, `base_rate` (null
    where nothing was scored). actions: `month` (Date, its first day), `n_long`, `n_short`, `n_flat` (counts), sorted.
    """

    name: str
    figures: Mapping[str, float]
    promotions: int
    refusals: int
    rollbacks: int
    equity: pl.DataFrame
    calibration: pl.DataFrame
    actions: pl.DataFrame

    def __post_init__(self) -> None:
        for frame, columns in (
            (self.equity, ("ts", "equity", "drawdown")),
            (self.calibration, ("begin", "n", "ece", "brier", "base_rate")),
            (self.actions, ("month", "n_long", "n_short", "n_flat")),
        ):
            absent = [column for column in columns if column not in frame.columns]
            if absent:
                raise SchemaError(
                    f"column `{absent[0]}` is missing", where=f"PolicyFacts `{self.name}`", fix="hand it in"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateFacts:
    """One trained version and its verdict. champion: what it was measured against; None when nothing served.

    max_t1: the latest instant that anything it has read became known.
    """

    version: str
    trained_at: datetime
    max_t1: datetime
    dataset_hash: str
    champion: str | None
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasMove:
    """A move of the serving alias. what: promote or rollback. from_version: None for the first."""

    at: datetime
    what: str
    from_version: str | None
    to_version: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """A finished replay.

    policies: gated first where it was asked for. differences: `gated_minus_always` ... → mean net bps a decision, with
    the interval of the paired difference. candidates: in order of training. moves: of the gated policy, in order.
    foresees: what the probability is the probability of, in words. profile: a named variant of the run, or empty.
    """

    learner: str
    start: datetime
    end: datetime
    tickers: tuple[str, ...]
    n_decisions: int
    ledger_hash: str
    foresees: str
    made_at: datetime
    policies: tuple[PolicyFacts, ...]
    differences: Mapping[str, Interval]
    candidates: tuple[CandidateFacts, ...]
    moves: tuple[AliasMove, ...]
    profile: str = ""

    @property
    def has_gated(self) -> bool:
        """Whether the policy whose alias moves was among those asked for."""
        return any(policy.name == "gated" for policy in self.policies)
