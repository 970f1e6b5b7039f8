"""The evidence of a stage, and how the account keeps it."""

import json
from uuid import UUID

from pawl.gates.ab_test import AbCounts
from pawl.jobs.live.stage_evidence import ab_counts, evidence_json, gather
from pawl.ledger.database import Ledger
from pawl.ledger.rollouts import running_rollout
from rollout_world import NEW, OLD, Life, Said, steady


def test_evidence_is_what_the_ledger_says_of_the_stage(ledger: Ledger) -> None:
    life = Life(ledger)
    life.begin()
    life.live(1.5, steady)
    with ledger.reading() as tx:
        stored = running_rollout(tx, "m002")
        assert stored is not None
        found = gather(tx, life.world, stored, life.at)
    evidence = found.evidence
    assert (evidence.serving, evidence.n_decisions, evidence.is_paused, evidence.ab, found.arms) == (
        OLD, 72, False, None, None,
    )  # fmt: skip
    assert (found.look.n_blocks, evidence.look) == (1, found.look)
    assert evidence.verdict is not None and evidence.verdict.gate == "shadow"
    assert [row.requirement.min_sample for row in evidence.verdict.rows] == [100, 100, 3, 100, 100]
    kept = evidence_json(found, evidence.verdict)
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept
    assert kept["guard_rails"]["latency_p99_ms"] == {"value": 5.0, "n": 72}
    assert kept["test"] == {"mean": 0.0, "low": None, "blocks": 1}


def test_arms_are_counted_from_what_acted_in_the_test_alone(ledger: Ledger) -> None:
    """Shadows, holds, open signals and break-evens are none."""
    life = Life(ledger, plan="reversal")
    stored = life.begin()

    def said(version: str, number: int) -> Said:
        pnl = {0: 0.0, 1: None, 2: 0.001}.get(number % 4, -0.001)
        return Said(signal="hold" if number % 5 == 0 else "buy", pnl=pnl)

    life.live(4, said)
    with ledger.reading() as tx:
        a, b = ab_counts(tx, stored.ab_test_id or UUID(int=0))
        found = gather(tx, life.world, stored, life.at)
    numbers = [number for number in range(1, 97) if number % 5 and number % 4 in (2, 3)]
    assert a.n_resolved + b.n_resolved == 2 * len(numbers)
    assert a.n_wins + b.n_wins == 2 * sum(number % 4 == 2 for number in numbers)
    assert found.arms == (a, b) and isinstance(a, AbCounts)
    assert found.evidence.ab is None and stored.state.candidate == NEW
