"""What is known of a rollout at an instant, gathered from the ledger: all that its next step follows from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.gates.ab_test import AbCounts, AbResult, decide
from pawl.gates.day_blocks import block_means, day_blocks
from pawl.gates.figure import Figure, Measured
from pawl.gates.gate import Gate
from pawl.gates.paired_sequence import Look, sequence_of
from pawl.gates.rollout_plan import Exit, Stage
from pawl.gates.rollout_state import Evidence
from pawl.gates.stage_gate import stage_gate
from pawl.gates.verdict import Verdict
from pawl.gates.verdict_json import verdict_to_json
from pawl.jobs.live.rollout_rules import RolloutWorld
from pawl.jobs.live.stage_figures import condition_figures, count_resolved, paired_gains, rail_figures
from pawl.jobs.live.stage_rows import stage_rows
from pawl.ledger.ab_tests import get_test
from pawl.ledger.model_versions import champion
from pawl.ledger.rollouts import StoredRollout
from pawl.ledger.signal_tables import trading_signals

__all__ = ["Gathered", "ab_counts", "evidence_json", "gather"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The evidence, and what the record keeps beside it. arms: resolved signals of the A/B test that is the stage."""

    evidence: Evidence
    rails: dict[str, Measured]
    look: Look
    arms: tuple[AbCounts, AbCounts] | None


def gather(tx: sa.Connection, world: RolloutWorld, stored: StoredRollout, at: datetime) -> Gathered:
    """The evidence of the stage that a rollout stands in."""
    state = stored.state
    stage = world.rules.plan(state.plan).stages[state.stage]
    read = stage_rows if world.memory is None else world.memory.rows
    rows = read(tx, world.learner, (state.candidate, state.champion), state.entered_at, at)
    rails: dict[str, Measured] = {**rail_figures(rows, state.candidate)}
    pairs = paired_gains(rows, state.candidate, state.champion)
    blocks = day_blocks(state.entered_at, world.horizon, world.rules.sequence)
    means = block_means(blocks, pairs.decided_at, pairs.gain_bps, at)
    look = sequence_of(float(mean) for mean in means).look(world.rules.sequence)
    verdict = None
    if stage.exit in (Exit.SUPERIOR, Exit.NOT_WORSE):
        ours = condition_figures(rows, state.candidate, state.champion)
        theirs = condition_figures(rows, state.champion, state.candidate)
        verdict = _conditions(world, stage).judge(theirs, ours)
    arms = None if stored.ab_test_id is None or stage.exit is not Exit.AB_WINNER else ab_counts(tx, stored.ab_test_id)
    evidence = Evidence(
        serving=champion(tx, world.learner),
        n_decisions=count_resolved(rows, state.candidate),
        rails=rails,
        look=look,
        verdict=verdict,
        ab=_decided(tx, world, stored, arms, at),
        is_paused=world.rules.is_paused(tx, world.learner, at),
    )
    return Gathered(evidence=evidence, rails=rails, look=look, arms=arms)


def ab_counts(tx: sa.Connection, test_id: UUID) -> tuple[AbCounts, AbCounts]:
    """Wins, and wins with losses, of both arms of a test: of the signals that acted in it, resolved by its end.

    What is resolved later would move the counts of a test that was decided, or stopped, long ago.
    """
    stored = get_test(tx, test_id)
    test, c = stored.test, trading_signals.c
    is_win = sa.case((c.actual_outcome == "win", 1), else_=0)
    counted = (
        sa.select(c.model_version, sa.func.sum(is_win), sa.func.count())
        .where(c.learner == stored.learner, c.created_at >= test.started_at)  # which an index answers
        .where(c.ab_test_id == test_id, ~c.is_shadow, c.actual_outcome.in_(("win", "loss")))
        .where(c.resolved_at <= test.ends_at)
        .group_by(c.model_version)
    )
    found = {version: AbCounts(int(wins), int(n)) for version, wins, n in tx.execute(counted)}
    a, b = (found.get(version, AbCounts(0, 0)) for version in (test.model_a, test.model_b))
    return a, b


def evidence_json(gathered: Gathered, verdict: Verdict | None = None) -> dict[str, Any]:
    """As the account of a rollout keeps it. verdict: the one that was recorded with the step."""
    found = gathered.evidence
    ab = found.ab
    return {
        "serving": found.serving,
        "decisions": found.n_decisions,
        "guard_rails": {name: _measured(one) for name, one in gathered.rails.items()},
        "test": gathered.look.to_json(),
        "verdict": None if verdict is None else verdict_to_json(verdict),
        "ab_test": None if ab is None else {"winner": ab.winner.value, "p_value": ab.p_value, "reason": ab.reason},
        "arms": None if gathered.arms is None else [[one.n_wins, one.n_resolved] for one in gathered.arms],
        "is_paused": found.is_paused,
    }


def _conditions(world: RolloutWorld, stage: Stage) -> Gate:
    return stage_gate(
        stage.name,
        world.rules.gate,
        min_decisions=stage.min_decisions,
        min_days=max(1, stage.min_time.days),
    )


def _decided(
    tx: sa.Connection,
    world: RolloutWorld,
    stored: StoredRollout,
    arms: tuple[AbCounts, AbCounts] | None,
    at: datetime,
) -> AbResult | None:
    """The one decision of a test; None before its end: nobody peeks."""
    if arms is None or stored.ab_test_id is None:
        return None
    test = get_test(tx, stored.ab_test_id).test
    return decide(test, *arms, world.rules.ab_test, at) if at >= test.ends_at else None


def _measured(one: Measured) -> dict[str, Any]:
    if not isinstance(one, Figure):
        return {"error": one.reason}
    return {"value": one.value if abs(one.value) < float("inf") else None, "n": one.n}
