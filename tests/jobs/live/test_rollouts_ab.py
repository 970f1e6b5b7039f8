"""The weekly A/B test of `reversal` as a rollout: REV-R26, R30, R31, R32 and R33."""

import math
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from scipy.stats import norm

from ledger_world import trained
from pawl.gates.ab_test import two_proportion_p
from pawl.ids import ModelVersion
from pawl.jobs.live.rollout_orders import By
from pawl.jobs.live.rollouts import abort_by_hand
from pawl.jobs.live.stage_evidence import ab_counts
from pawl.ledger.ab_tests import get_test, list_tests, running_test
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import list_deployments
from pawl.ledger.evaluations import newest_report
from pawl.ledger.rollouts import list_moves, list_rollouts
from pawl.ledger.signal_tables import trading_signals
from rollout_world import NEW, OLD, THIRD, Life, Said, standing, steady

WEEK = timedelta(days=7)


def winning(version: ModelVersion, number: int) -> Said:
    """The new version wins eight in ten, the old one five."""
    is_win = number % 10 < (8 if version == NEW else 5)
    return Said(pnl=0.001 if is_win else -0.001, confidence=0.8 if version == NEW else 0.5)


@pytest.fixture
def life(ledger: Ledger) -> Life:
    """A weekly version under test."""
    begun = Life(ledger, plan="reversal")
    begun.begin()
    return begun


def only_test(ledger: Ledger) -> Any:
    with ledger.reading() as tx:
        return list_tests(tx)[-1]


def test_rev_r26_a_weekly_version_starts_one_test_of_seven_days_half_and_half(life: Life) -> None:
    stored = only_test(life.ledger)
    test = stored.test
    assert (test.model_a, test.model_b, test.traffic_split, test.ends_at - test.started_at) == (OLD, NEW, 0.5, WEEK)
    assert (stored.status, stored.winner, stored.p_value) == ("running", None, None)
    assert standing(life.ledger) == (OLD, NEW, 0, 0.5, "running", "canary")


def test_rev_r26_an_earlier_test_is_closed_before_the_next_one_starts(life: Life) -> None:
    """One that has not come to its end has no winner, and its candidate is out."""
    life.live(3, winning)
    with life.ledger.transaction() as tx:
        life.judged(tx, THIRD)
    life.begin(THIRD)
    with life.ledger.reading() as tx:
        first, second = list_tests(tx)
        old, new = list_rollouts(tx)
        running = running_test(tx, "m002")
    assert (first.status, first.winner, first.test.ends_at) == ("stopped", None, life.at)
    assert (old.state.status, old.share) == ("aborted", 0.0)
    assert (new.state.candidate, new.ab_test_id, running) == (THIRD, second.test_id, second.test)
    assert second.test.started_at == life.at


def test_rev_r26_a_test_whose_end_has_come_is_decided_first(life: Life) -> None:
    """The next weekly version meets the winner, and is judged again against it."""
    asked = []

    def judge_again(version: ModelVersion, at: Any) -> None:
        asked.append(version)
        with life.ledger.transaction() as tx:
            from ledger_world import judged

            judged(tx, version, on=900)

    life.rules = {"judge_again": judge_again}
    with life.ledger.transaction() as tx:
        life.judged(tx, THIRD)
    life.live(7, winning)
    life.begin(THIRD)
    with life.ledger.reading() as tx:
        first, second = list_tests(tx)
        old, new = list_rollouts(tx)
    assert (first.status, first.winner) == ("completed", "model_b")
    assert (second.test.model_a, second.test.model_b, asked) == (NEW, THIRD, [THIRD])
    assert (old.state.status, old.state.reason) == ("promoted", f"serves; {THIRD} is rolled out next")
    assert new.state.champion == NEW


def test_rev_r31_a_test_is_decided_once_at_its_end(life: Life) -> None:
    """However clear it is before: nobody peeks. The winner serves from then on, and the test stays as decided."""
    life.live(6.5, winning)
    assert life.tick() == (OLD, NEW, 0, 0.5, "running", "canary")
    before = only_test(life.ledger)
    assert (before.p_value, before.winner, before.is_significant) == (None, None, False)
    assert before.arms["model_b"].win_rate > before.arms["model_a"].win_rate
    life.live(0.5, winning)
    assert life.tick() == (NEW, NEW, 1, 1.0, "running", "champion")
    decided = only_test(life.ledger)
    assert (decided.status, decided.winner, decided.is_significant) == ("completed", "model_b", True)
    life.live(1, winning)
    life.tick()
    assert only_test(life.ledger) == decided
    with life.ledger.reading() as tx:
        move = list_moves(tx, list_rollouts(tx)[0].rollout_id)[1]
        report = newest_report(tx, NEW)
        log = list_deployments(tx, "m002")
    assert report is not None and (report.scope, report.eval_id) == ("canary", log[-1].eval_id)
    assert [row.metric for row in report.verdict.rows] == ["ab_wins"]
    assert move.evidence["ab_test"]["winner"] == "model_b" and move.evidence["test"]["blocks"] > 0


def test_rev_r30_the_p_value_is_that_of_a_pooled_two_proportion_test(life: Life) -> None:
    """To five decimals, from the rows of the ledger, counted here in another way: what was resolved by its end."""
    life.live(7, winning)
    life.tick()
    decided = only_test(life.ledger)
    with life.ledger.reading() as tx:
        rows = tx.execute(sa.select(trading_signals).where(trading_signals.c.ab_test_id == decided.test_id)).all()
    wins, n = {OLD: 0, NEW: 0}, {OLD: 0, NEW: 0}
    for row in rows:
        if row.actual_outcome in ("win", "loss") and not row.is_shadow and row.resolved_at <= decided.test.ends_at:
            n[row.model_version] += 1
            wins[row.model_version] += row.actual_outcome == "win"
    assert sum(n.values()) == len(rows) - 2, "the last hour's two are resolved half an hour behind the end"
    pooled = sum(wins.values()) / sum(n.values())
    z = (wins[NEW] / n[NEW] - wins[OLD] / n[OLD]) / math.sqrt(pooled * (1 - pooled) * (1 / n[OLD] + 1 / n[NEW]))
    assert decided.p_value == pytest.approx(2 * norm.sf(abs(z)), abs=5e-6)
    with life.ledger.reading() as tx:
        p = two_proportion_p(*ab_counts(tx, decided.test_id))
    assert p == pytest.approx(2 * norm.sf(abs(z)), abs=1e-12)


def tie(version: ModelVersion, number: int) -> Said:
    return steady(version, number)


def few(version: ModelVersion, number: int) -> Said:
    """Both hold but for a bar in twelve, on which the new version always wins."""
    if number % 12:
        return Said(signal="hold", pnl=None)
    return Said(pnl=0.001 if version == NEW else -0.001, confidence=1.0 if version == NEW else 0.0)


@pytest.mark.parametrize(("earns", "because"), [(tie, "do not differ"), (few, "of at least 30 resolved signals")])
def test_rev_r31_a_tie_and_too_little_data_keep_the_champion(life: Life, earns: Any, because: str) -> None:
    life.live(7, earns)
    assert life.tick() == (OLD, NEW, 0, 0.0, "refused", "refused")
    decided = only_test(life.ledger)
    assert (decided.status, decided.winner, decided.is_significant) == ("completed", "tie", False)
    with life.ledger.reading() as tx:
        newest = newest_report(tx, NEW)
        assert because in list_rollouts(tx)[0].state.reason
    assert newest is not None and not newest.verdict.passed


def test_a_winner_that_broke_a_guard_rail_is_not_promoted(life: Life) -> None:
    """The test is decided all the same, and its winner on record."""

    def slow(version: ModelVersion, number: int) -> Said:
        found = winning(version, number)
        return Said(pnl=found.pnl, confidence=found.confidence, latency_ms=900 if version == NEW else 5)

    life.live(7, slow)
    assert life.tick() == (OLD, NEW, 0, 0.0, "rolled_back", "refused")
    assert (only_test(life.ledger).status, only_test(life.ledger).winner) == ("completed", "model_b")


def test_rev_r32_while_a_test_runs_everybody_can_ask_for_it(life: Life) -> None:
    """REV-R32: `running_test` is what keeps a daily version from being deployed; it is None once the test is over."""
    with life.ledger.reading() as tx:
        found = running_test(tx, "m002")
        assert found is not None and running_test(tx, "reversal") is None
    life.live(7, winning)
    life.tick()
    with life.ledger.reading() as tx:
        assert running_test(tx, "m002") is None


def test_rev_r33_a_stopped_test_has_no_winner_and_its_counts_are_frozen(life: Life) -> None:
    life.live(3, winning)
    stored = list_rollouts_of(life)[0]
    abort_by_hand(life.world, NEW, "enough", By(who="anna", at=life.at))
    stopped = only_test(life.ledger)
    assert (stopped.status, stopped.winner, stopped.p_value, stopped.test.ends_at) == ("stopped", None, None, life.at)
    assert stopped.arms["model_a"].predictions + stopped.arms["model_b"].predictions == 3 * 48
    late = trading_signals.c.ab_test_id == stored.ab_test_id
    with life.ledger.transaction() as tx:  # a signal of the test that is given after its end
        row = dict(tx.execute(sa.select(trading_signals).where(late).limit(1)).mappings().one())
        tx.execute(sa.insert(trading_signals).values({**row, "id": UUID(int=1), "pair": "GBPUSD"}))
    life.live(1)
    life.tick()
    with life.ledger.reading() as tx:
        assert get_test(tx, stopped.test_id) == stopped


def list_rollouts_of(life: Life) -> Any:
    with life.ledger.reading() as tx:
        return list_rollouts(tx)


def test_a_pause_at_the_end_of_a_test_puts_its_decision_off(ledger: Ledger) -> None:
    is_paused = [False]
    life = Life(ledger, plan="reversal", rules={"is_paused": lambda tx, learner, at: is_paused[0]})
    life.begin()
    life.live(7, winning)
    is_paused[0] = True
    assert life.tick()[0] == OLD and only_test(ledger).status == "running"
    is_paused[0] = False
    assert life.tick()[0] == NEW


def test_an_unjudged_version_is_never_tested(ledger: Ledger) -> None:
    life = Life(ledger, plan="reversal")
    with ledger.transaction() as tx:
        trained(tx, THIRD)
    with pytest.raises(Exception, match="was never judged"):
        life.begin(THIRD)
    with ledger.reading() as tx:
        assert list_tests(tx) == []
