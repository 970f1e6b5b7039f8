"""What a life of a learner left in its ledger, by kind, as counts and hashes: two lives are the same or are not."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.decision_tables import decision_trajectories, inference_logs
from pawl.ledger.live_tables import market_data
from pawl.ledger.monthly_tables import monthly_selections
from pawl.ledger.rollout_tables import rollout_moves, rollouts
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.training_tables import eval_reports
from pawl.ledger.trigger_tables import trigger_firings
from pawl.ledger.version_tables import deployment_log, model_versions

__all__ = ["Fact", "Facts", "facts_of", "first_difference"]

OUTCOME = ("actual_outcome", "actual_pnl", "actual_pnl_percent", "outcome_source", "resolved_at", "updated_at")

MEASURED = ("latency_ms", "prev_hash", "row_hash")
"""What an inference took is measured where time goes on, and differs in every life; so do the hashes over it."""

_s = trading_signals.c
_PARTS: Mapping[str, tuple[sa.ColumnElement[object], ...]] = {
    "bars": tuple(market_data.c),
    "decisions": tuple(one for one in _s if one.name not in OUTCOME),
    "outcomes": (_s.id, *(_s[name] for name in OUTCOME)),
    "inferences": tuple(one for one in inference_logs.c if one.name not in MEASURED),
    "trajectories": tuple(decision_trajectories.c),
    "versions": tuple(model_versions.c),
    "verdicts": tuple(eval_reports.c),
    "alias moves": tuple(deployment_log.c),
    "rollouts": tuple(rollouts.c),
    "rollout moves": tuple(rollout_moves.c),
    "A/B tests": tuple(ab_tests.c),
    "trigger firings": tuple(trigger_firings.c),
    "selections": tuple(monthly_selections.c),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One kind. sha256: over its rows, each with every column that stands in the ledger but what a watch has measured.
    rows: as text, in order.
    """

    rows: tuple[str, ...]

    @property
    def n(self) -> int:
        """How many."""
        return len(self.rows)

    @property
    def sha256(self) -> str:
        """Over all of them."""
        return hashlib.sha256("\n".join(self.rows).encode()).hexdigest()


Facts = Mapping[str, Fact]


def facts_of(tx: sa.Connection) -> Facts:
    """All that was decided in a ledger, what came of it, and what was learnt from it."""
    return {name: Fact(rows=_rows(tx, name)) for name in _PARTS}


def first_difference(ours: Fact, theirs: Fact) -> tuple[str | None, str | None] | None:
    """The first row that only one of the two has, on each side; None where they are the same."""
    if ours.rows == theirs.rows:
        return None
    mine, others = set(ours.rows), set(theirs.rows)
    here = next((one for one in ours.rows if one not in others), None)
    there = next((one for one in theirs.rows if one not in mine), None)
    return here, there


def _rows(tx: sa.Connection, name: str) -> tuple[str, ...]:
    chosen = sa.select(*_PARTS[name])
    if name == "outcomes":
        chosen = chosen.where(_s.actual_outcome.is_not(None))
    return tuple(sorted(str(tuple(row)) for row in tx.execute(chosen)))
