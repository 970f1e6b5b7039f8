"""Rollouts driven from the ledger: PASS-R31 to R33 as a process, and what a person may do."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from ledger_world import judged, move, promoted, trained
from pawl.errors import NotFoundError, RefusalError
from pawl.events.bus import Event
from pawl.events.notice_texts import notice_of
from pawl.gates.rollout_plan import RolloutSettings
from pawl.jobs.live.rollout_orders import By
from pawl.jobs.live.rollout_rules import RolloutRules, RolloutWorld
from pawl.jobs.live.rollouts import abort_by_hand, advance_by_hand, begin_rollout, settle
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import list_deployments, promote, roll_back
from pawl.ledger.evaluations import list_reports, newest_report
from pawl.ledger.loop_outbox import unpublished
from pawl.ledger.rollouts import list_moves, list_rollouts
from pawl.ledger.signal_tables import trading_signals
from rollout_world import BEGAN, NEW, OLD, THIRD, Life, Said, better, harmful, standing, steady, worse

QUICK = RolloutSettings(min_days=1, min_decisions=30)


def account(ledger: Ledger, place: int = -1) -> list[tuple[Any, ...]]:
    """Every step of a rollout: by whom, from, to, how it stood then, and whether a verdict and a move belong to it."""
    with ledger.reading() as tx:
        moves = list_moves(tx, list_rollouts(tx)[place].rollout_id)
    return [
        (one.by, one.from_stage, one.to_stage, one.status.value, one.eval_id is not None, one.deployment_id is not None)
        for one in moves
    ]


def test_a_plainly_better_candidate_walks_through_every_stage(sqlite_ledger: Ledger) -> None:
    """PASS-R31: shadow, 5 %, 20 %, full, each after its time and sample, in the order of the plan; then it is over."""
    life = Life(sqlite_ledger)
    life.begin()
    entered = [(life.at, standing(sqlite_ledger)[2:5])]
    while standing(sqlite_ledger)[4] == "running":
        life.live(0.5, better)
        found = life.tick()
        if found[2:5] != entered[-1][1]:
            entered.append((life.at, found[2:5]))
        assert (life.at - entered[0][0]).days < 60
    assert [one for _, one in entered] == [
        (0, 0.0, "running"), (1, 0.05, "running"), (2, 0.2, "running"), (3, 1.0, "running"), (3, 1.0, "promoted"),
    ]  # fmt: skip
    stays = [(later - before).days for (before, _), (later, _) in pairwise(entered)]
    assert stays[0] >= 10  # blocks of a day, and no look before ten of them
    assert min(stays) >= 3
    assert standing(sqlite_ledger)[0] == NEW
    assert account(sqlite_ledger) == [
        ("pawl", None, "shadow", "running", True, False),
        ("pawl", "shadow", "canary 5 %", "running", True, False),
        ("pawl", "canary 5 %", "canary 20 %", "running", True, False),
        ("pawl", "canary 20 %", "full", "running", True, True),
        ("pawl", "full", "full", "promoted", False, False),
    ]
    with sqlite_ledger.reading() as tx:
        reports, log = list_reports(tx, NEW), list_deployments(tx, "m002")
        moves = list_moves(tx, list_rollouts(tx)[0].rollout_id)
    assert [(one.scope, one.verdict.passed, one.figures.get("share")) for one in reports] == [
        ("offline", True, None), ("shadow", True, 0.0), ("canary", True, 0.05), ("canary", True, 0.2),
    ]  # fmt: skip
    assert [row.metric for row in reports[1].verdict.rows][-1] == "paired_gain_low"
    assert (log[-1].eval_id, log[-1].from_version, log[-1].by) == (reports[-1].eval_id, OLD, "pawl")
    assert moves[1].evidence["test"]["low"] > 0 and moves[1].evidence["guard_rails"]["ece"]["n"] >= 100


def test_a_worse_candidate_is_refused_at_its_limit(sqlite_ledger: Ledger) -> None:
    """It was never proved better: 60 days of shadow, then out, and nothing but a new verdict brings it back."""
    life = Life(sqlite_ledger)
    life.begin()
    life.live(60, worse)
    assert life.tick()[2:5] == (0, 0.0, "running")
    life.live(0.5, worse)
    assert life.tick() == (OLD, NEW, 0, 0.0, "refused", "refused")
    with sqlite_ledger.reading() as tx:
        newest = newest_report(tx, NEW)
    assert newest is not None and newest.scope == "shadow" and not newest.verdict.passed
    assert "ended after 60 days" in newest.verdict.reasons[-1] or "paired gain" in "".join(newest.verdict.reasons)
    with pytest.raises(RefusalError, match="the gate refused"), sqlite_ledger.transaction() as tx:
        promote(tx, NEW, newest.eval_id, move(900))


@pytest.mark.parametrize(("stage", "share"), [(0, 0.0), (1, 0.05), (2, 0.2)])
def test_pass_r33_a_harmful_candidate_is_taken_out_at_the_first_look(ledger: Ledger, stage: int, share: float) -> None:
    """PASS-R33: the champion keeps the traffic in the very step, with stage, metric and time on record."""
    life = Life(ledger)
    life.begin()
    life.put(stage, share)
    life.live(0.5, harmful)
    assert life.tick() == (OLD, NEW, stage, 0.0, "rolled_back", "refused")
    with ledger.reading() as tx:
        last = list_moves(tx, list_rollouts(tx)[0].rollout_id)[-1]
        newest = newest_report(tx, NEW)
    assert "MDD" in last.reason and "is over its guard-rail of 500.0 bps" in last.reason
    assert (last.at, last.from_stage) == (life.at, ("shadow", "canary 5 %", "canary 20 %")[stage])
    assert newest is not None and newest.eval_id == last.eval_id
    assert (newest.scope, newest.verdict.passed) == ("shadow" if stage == 0 else "canary", False)


def test_a_breach_of_a_guard_rail_is_told_once_with_its_figure(ledger: Ledger) -> None:
    life = Life(ledger)
    life.begin()
    life.live(0.5, harmful)
    for _ in range(2):
        life.tick()
    with ledger.reading() as tx:
        told = [one.payload for one in unpublished(tx, 1000) if one.topic == "alert"]
    assert [(one["kind"], one["learner"], one["values"]["candidate"]) for one in told] == [
        ("performance_drop", "m002", NEW)
    ]
    assert "is over its guard-rail" in told[0]["text"] and len(told[0]["values"]) > 1


def alerts(ledger: Ledger) -> list[dict[str, Any]]:
    with ledger.reading() as tx:
        return [one.payload for one in unpublished(tx, 1000) if one.topic == "alert"]


@pytest.mark.parametrize("plan", ["default", "reversal"])
def test_a_rollout_that_is_aborted_where_the_alias_stays_is_told_once_as_a_rollback(ledger: Ledger, plan: str) -> None:
    """In shadow, and in an A/B test."""
    life = Life(ledger, plan=plan)
    life.begin()
    life.live(0.5)
    by = By(who="an operator", at=life.at)
    abort_by_hand(life.world, NEW, "odd trades", by)
    life.tick()
    (told,) = alerts(ledger)
    assert (told["kind"], told["learner"]) == ("candidate_out", "m002")
    assert told["values"] == {"candidate": NEW, "by": "an operator"}
    assert told["text"] == f"m002: {NEW} was taken out, {OLD} serves: aborted by an operator: odd trades"
    event = Event(event_id=UUID(told["about"]), topic="alert", at=life.at, payload=told, trace_id=None)
    notice = notice_of(event)
    assert notice is not None and (notice.kind, notice.title, notice.body) == (
        "rollback", "m002: candidate out", told["text"]
    )  # fmt: skip


def test_a_candidate_that_leaves_a_canary_is_told(sqlite_ledger: Ledger) -> None:
    life = Life(sqlite_ledger, rules={"rollout": QUICK})
    life.begin()
    life.put(1, 0.05)
    life.live(2.5, lambda version, n: Said(pnl=0.001 if version == OLD or n % 10 < 6 else -0.001))
    assert life.tick()[4] == "rolled_back"
    (told,) = alerts(sqlite_ledger)
    assert told["kind"] == "candidate_out" and f"{NEW} was taken out, {OLD} serves" in told["text"]


def test_where_the_alias_moves_back_that_move_tells_of_it(sqlite_ledger: Ledger) -> None:
    life = Life(sqlite_ledger, plan="meta")
    life.begin()
    abort_by_hand(life.world, NEW, "odd trades", By(who="an operator", at=life.at))
    assert standing(sqlite_ledger)[0] == OLD and alerts(sqlite_ledger) == []
    with sqlite_ledger.reading() as tx:
        acts = [one.payload["act"] for one in unpublished(tx, 1000) if one.topic == "alias_moved"]
    assert acts[-1] == "rollback"


def test_a_candidate_that_leaves_by_its_verdict_alone_is_no_alarm(sqlite_ledger: Ledger) -> None:
    life = Life(sqlite_ledger)
    life.begin()
    life.live(61, worse)
    assert life.tick()[4] == "refused"
    with sqlite_ledger.reading() as tx:
        assert [one for one in unpublished(tx, 1000) if one.topic == "alert"] == []


def test_pass_r33_a_harmful_champion_gives_the_alias_back_to_the_version_before(ledger: Ledger) -> None:
    life = Life(ledger, plan="meta")
    life.begin()
    assert standing(ledger) == (NEW, NEW, 0, 1.0, "running", "champion")
    life.live(0.5, harmful)
    assert life.tick() == (OLD, NEW, 0, 0.0, "rolled_back", "retired")
    assert account(ledger)[-1] == ("pawl", "full", "full", "rolled_back", True, True)
    with ledger.reading() as tx:
        log = list_deployments(tx, "m002")
    assert [(one.what, one.to_version) for one in log] == [("promote", OLD), ("promote", NEW), ("rollback", OLD)]
    assert "MDD" in log[-1].reason and log[-1].at == life.at


def failing(version: str, number: int) -> Said | None:
    return None if version == NEW and number % 10 == 0 else steady(version, number)  # type: ignore[arg-type]


BREACHES: dict[str, Callable[..., Said | None]] = {
    "error rate": failing,
    "risk violation rate": lambda version, number: replace(steady(version, number), size=3.0 if number % 5 else 1.0),
    "latency p99": lambda version, number: replace(steady(version, number), latency_ms=400),
    "ECE": lambda version, number: replace(steady(version, number), probability=0.99),
}


@pytest.mark.parametrize("metric", BREACHES)
def test_every_guard_rail_rolls_back_at_once(sqlite_ledger: Ledger, metric: str) -> None:
    """Each measured from the ledger's own rows; under a pause too."""
    life = Life(sqlite_ledger, rules={"is_paused": lambda tx, learner, at: at > life_began})
    life_began = life.at
    life.begin()
    life.put(1, 0.05)
    life.live(2.5, BREACHES[metric])
    assert life.tick()[4] == "rolled_back"
    with sqlite_ledger.reading() as tx:
        assert metric in list_rollouts(tx)[0].state.reason


def test_pass_r32_a_shadow_never_acts(sqlite_ledger: Ledger) -> None:
    """PASS-R32: in shadow every signal of the candidate is a shadow's, and none of the champion's is."""
    life = Life(sqlite_ledger)
    life.begin()
    life.live(2)
    c = trading_signals.c
    with sqlite_ledger.reading() as tx:
        found = tx.execute(
            sa.select(c.model_version, c.is_shadow, sa.func.count()).group_by(c.model_version, c.is_shadow)
        )
        assert sorted(tuple(row) for row in found) == [(OLD, False, 96), (NEW, True, 96)]


def test_a_look_that_is_repeated_changes_nothing(ledger: Ledger) -> None:
    life = Life(ledger, rules={"rollout": QUICK})
    first = life.begin()
    assert life.begin().rollout_id == first.rollout_id
    life.put(1, 0.05)
    life.live(2.5, better)
    life.tick()
    before = account(ledger)
    assert before[-1][1:4] == ("canary 5 %", "canary 20 %", "running")
    assert life.tick()[2:4] == (2, 0.2)
    assert account(ledger) == before


def test_under_a_pause_nothing_begins_and_nothing_moves_forward(ledger: Ledger) -> None:
    is_paused = [True]
    life = Life(ledger, rules={"rollout": QUICK, "is_paused": lambda tx, learner, at: is_paused[0]})
    with pytest.raises(RefusalError, match="extreme conditions"):
        life.begin()
    assert standing(ledger) == (OLD,)
    is_paused[0] = False
    life.begin()
    life.put(1, 0.05)
    is_paused[0] = True
    life.live(2.5, better)
    assert life.tick()[2:4] == (1, 0.05)
    with ledger.reading() as tx:
        assert "extreme conditions" in list_rollouts(tx)[0].state.reason
    is_paused[0] = False
    assert life.tick()[2:4] == (2, 0.2)


def test_a_candidate_whose_champion_changed_starts_again(ledger: Ledger) -> None:
    """Out of trading, judged offline against the new champion, and from the first stage."""
    asked = []

    def judge_again(version: Any, at: Any) -> None:
        asked.append((version, at))
        with ledger.transaction() as tx:
            judged(tx, version, on=900)

    life = Life(ledger, rules={"judge_again": judge_again})
    life.begin()
    life.put(2, 0.2)
    life.live(1)
    with ledger.transaction() as tx:
        promoted(tx, THIRD, on=800)
    assert life.tick() == (THIRD, NEW, 0, 0.0, "running", "shadow")
    assert asked == [(NEW, life.at)]
    assert account(ledger, 0)[-1] == ("pawl", "canary 20 %", "canary 20 %", "superseded", False, False)
    with ledger.reading() as tx:
        old, new = list_rollouts(tx)
    assert (old.state.champion, new.state.champion, old.state.reason) == (OLD, THIRD, f"{THIRD} replaced {OLD}")
    life.tick()
    assert len(asked) == 1


def test_nobody_skips_a_stage_by_hand(ledger: Ledger) -> None:
    """PASS-R31: neither by advancing nor by promoting; both say what is missing."""
    life = Life(ledger, rules={"rollout": QUICK})
    life.begin()
    life.live(2.5, better)
    by = By(who="anna", at=life.at)
    with pytest.raises(RefusalError, match="not proved better"):
        advance_by_hand(life.world, NEW, by)
    with pytest.raises(RefusalError, match="no stage is skipped"), ledger.transaction() as tx:
        report = newest_report(tx, NEW)
        assert report is not None
        promote(tx, NEW, report.eval_id, move(900))
    life.put(1, 0.05)
    life.live(2.5, better)
    assert advance_by_hand(life.world, NEW, By(who="anna", at=life.at)).state.stage == 2
    assert account(ledger)[-1] == ("anna", "canary 5 %", "canary 20 %", "running", True, False)
    with pytest.raises(NotFoundError, match="no rollout of"):
        advance_by_hand(life.world, THIRD, by)


def test_whoever_aborts_says_who_and_why(ledger: Ledger) -> None:
    life = Life(ledger)
    life.begin()
    life.put(1, 0.05)
    life.live(1)
    abort_by_hand(life.world, NEW, "the feed is broken", By(who="anna", at=life.at))
    assert standing(ledger) == (OLD, NEW, 1, 0.0, "aborted", "refused")
    with ledger.reading() as tx:
        last = list_moves(tx, list_rollouts(tx)[0].rollout_id)[-1]
        newest = newest_report(tx, NEW)
    assert (last.by, last.reason) == ("anna", "aborted by anna: the feed is broken")
    assert newest is not None and not newest.verdict.passed
    with pytest.raises(NotFoundError):
        abort_by_hand(life.world, NEW, "again", By(who="anna", at=life.at))


@pytest.mark.parametrize(("plan", "ends"), [("meta", "aborted"), ("default", "superseded")])
def test_a_rollback_by_hand_ends_the_rollout_with_it(ledger: Ledger, plan: str, ends: str) -> None:
    """The candidate's own, or that of the champion it was compared with."""
    life = Life(ledger, plan=plan)
    with ledger.transaction() as tx:
        promoted(tx, THIRD, on=2)
        life.judged(tx, "m002-1.6")  # type: ignore[arg-type]
    life.begin("m002-1.6")  # type: ignore[arg-type]
    life.live(1, versions=(THIRD, "m002-1.6"))  # type: ignore[arg-type]
    by = By(who="anna", at=life.at)
    with ledger.transaction() as tx:
        to = THIRD if plan == "meta" else OLD
        roll_back(tx, "m002", "policy", to, replace(move(0), at=life.at))
        settle(tx, life.world, by)
    assert standing(ledger)[0] == to
    assert standing(ledger)[4] == ends
    assert account(ledger)[-1][0] == "anna"


def test_other_candidates_wait_for_the_end_of_a_rollout(ledger: Ledger) -> None:
    life = Life(ledger)
    with ledger.transaction() as tx:
        life.judged(tx, THIRD)
    life.begin()
    with pytest.raises(RefusalError, match=f"the rollout of `{NEW}` still runs"):
        life.begin(THIRD)
    with ledger.transaction() as tx:
        trained(tx, "m002-1.9")
    with pytest.raises(RefusalError, match="was never judged"):
        life.begin("m002-1.9")  # type: ignore[arg-type]


def test_the_first_version_of_a_learner_serves_at_once(ledger: Ledger) -> None:
    """There is nothing to roll it out against."""
    with ledger.transaction() as tx:
        trained(tx, OLD)
        judged(tx, OLD)
    world = RolloutWorld(ledger=ledger, learner="m002", horizon=timedelta(hours=6), rules=RolloutRules())
    for _ in range(2):
        assert begin_rollout(world, OLD, BEGAN) is None
    assert standing(ledger) == (OLD,)
    with ledger.reading() as tx:
        assert len(list_deployments(tx, "m002")) == 1
