"""What a life of a learner left in its ledger, by kind, as counts and hashes: two lives are the same or are not."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.chain import canonical_text
from pawl.ledger.decision_tables import decision_trajectories, inference_logs
from pawl.ledger.identity import SYSTEM_USER
from pawl.ledger.live_tables import market_data, user_trading_history
from pawl.ledger.model_versions import list_versions
from pawl.ledger.monthly_tables import monthly_selections
from pawl.ledger.rollout_tables import rollout_moves, rollouts
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.training_tables import eval_reports
from pawl.ledger.trigger_tables import trigger_firings
from pawl.ledger.version_tables import deployment_log, model_versions

__all__ = ["Fact", "Facts", "Whose", "codes_of", "facts_of", "first_difference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whose life is meant, where a ledger holds more: of one learner, on these bars."""

    learner: str
    timeframe: str
    tickers: tuple[str, ...]


OUTCOME = (
    "actual_outcome", "actual_pnl", "actual_pnl_percent", "outcome_source", "resolved_at", "updated_at",
    "virtual_outcome", "virtual_pnl", "virtual_at",
)  # fmt: skip

CHAIN = ("chain_number", "prev_hash", "row_hash")
"""The hashes of a chain are over all of its rows, also over those of other learners and of users, and these take places
in it.
"""


def _unchained(table: sa.Table) -> tuple[sa.ColumnElement[object], ...]:
    return tuple(one for one in table.c if one.name not in CHAIN)


_s = trading_signals.c
_PARTS: Mapping[str, tuple[sa.ColumnElement[object], ...]] = {
    "bars": tuple(market_data.c),
    "decisions": tuple(one for one in _s if one.name not in OUTCOME),
    "outcomes": (_s.id, *(_s[name] for name in OUTCOME)),
    "inferences": _unchained(inference_logs),
    "trajectories": _unchained(decision_trajectories),
    "users' trades": tuple(user_trading_history.c),
    "versions": tuple(model_versions.c),
    "verdicts": _unchained(eval_reports),
    "alias moves": tuple(deployment_log.c),
    "rollouts": tuple(rollouts.c),
    "rollout moves": tuple(rollout_moves.c),
    "A/B tests": tuple(ab_tests.c),
    "trigger firings": tuple(trigger_firings.c),
    "selections": tuple(monthly_selections.c),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One kind. sha256: over its rows, each with every column that stands in the ledger but those of chains.
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


def facts_of(tx: sa.Connection, whose: Whose | None = None) -> Facts:
    """All that a loop decided, what came of it, and what was learnt from it. whose: None for all that is in the ledger;
    what users asked of the service is nobody's, but for their trades on its signals.
    """
    return {name: Fact(rows=_rows(tx, name, whose)) for name in _PARTS}


def codes_of(tx: sa.Connection, learner: str) -> tuple[str, ...]:
    """The code that lived a life, as the versions that it trained say: each once, in the order of their training."""
    trained = sorted(list_versions(tx, learner), key=lambda one: one.trained_at)
    return tuple(dict.fromkeys(str(one.certificate["code"]) for one in trained if "code" in one.certificate))


def first_difference(ours: Fact, theirs: Fact) -> tuple[str | None, str | None] | None:
    """The first row that only one of the two has, on each side; None where they are the same."""
    if ours.rows == theirs.rows:
        return None
    mine, others = set(ours.rows), set(theirs.rows)
    here = next((one for one in ours.rows if one not in others), None)
    there = next((one for one in theirs.rows if one not in mine), None)
    return here, there


def _rows(tx: sa.Connection, name: str, whose: Whose | None) -> tuple[str, ...]:
    chosen = sa.select(*_PARTS[name])
    table = _PARTS[name][0].table
    if table is user_trading_history:
        signals = sa.select(_s.id).where(sa.true() if whose is None else _s.learner == whose.learner)
        chosen, whose = chosen.where(user_trading_history.c.signal_id.in_(signals)), None
    elif "user_id" in table.c:
        chosen = chosen.where(table.c.user_id == SYSTEM_USER)
    if whose is not None and "learner" in table.c:
        chosen = chosen.where(table.c.learner == whose.learner)
    elif whose is not None:
        chosen = chosen.where(table.c.timeframe == whose.timeframe, table.c.pair.in_(whose.tickers))
    if name == "outcomes":
        chosen = chosen.where(_s.actual_outcome.is_not(None))
    return tuple(sorted(str(tuple(map(_plain, row))) for row in tx.execute(chosen)))


def _plain(value: object) -> object:
    """JSON as one text, for a database may keep it in an order of its own."""
    return canonical_text(value) if isinstance(value, dict | list) else value
