"""What a rollout must do, as checks of the package or of a mutant of it: `g` holds every name of the gates."""

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from pawl.errors import RefusalError, SettingsError

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
OLD, NEW, THIRD = "m002-1.3", "m002-1.4", "m002-1.5"
RAILS = {"max_drawdown_bps": (500.0, 1), "risk_violation_rate": (0.05, 20), "error_rate": (0.02, 20),
         "latency_p99_ms": (250.0, 20), "ece": (0.20, 100)}  # fmt: skip
STAGES = [("default", 0), ("default", 1), ("default", 2), ("default", 3), ("reversal", 0), ("reversal", 1),
          ("meta", 0), ("risk", 0), ("risk", 1)]  # fmt: skip


def plan(g: SimpleNamespace, name: str = "default") -> Any:
    return g.plan_named(name, g.RolloutSettings())


def rails(g: SimpleNamespace) -> Any:
    return g.guard_rails(g.GuardRailSettings())


def figures(g: SimpleNamespace, **changed: Any) -> dict[str, Any]:
    return {**{name: g.Figure(limit, 120) for name, (limit, _) in RAILS.items()}, **changed}


def verdict(g: SimpleNamespace, *, passes: bool = True, is_first: bool = False) -> Any:
    row = g.Condition(metric="hit_rate", direction=g.Direction.HIGHER, tolerance=g.Absolute(), min_sample=1)
    gate = g.Gate("live", (row,))
    found = {"hit_rate": g.Figure(0.5, 100)}
    if is_first:
        return gate.judge_first(found)
    return gate.judge(found, {"hit_rate": g.Figure(0.5 if passes else 0.4, 100)})


def at(g: SimpleNamespace, name: str, stage: int, *, since: timedelta = timedelta(days=10)) -> Any:
    return g.Rollout(plan=name, candidate=NEW, champion=OLD, stage=stage, entered_at=NOW - since,
                     status=g.Status.RUNNING, reason="so far")  # fmt: skip


def serving(g: SimpleNamespace, name: str, stage: int) -> str:
    return NEW if plan(g, name).stages[stage].kind is g.StageKind.FULL else OLD


def good(g: SimpleNamespace, name: str = "default", stage: int = 0, **changed: Any) -> Any:
    ab = g.AbResult(winner=g.Winner.MODEL_B, p_value=0.01, is_significant=True, win_rate_a=0.5, win_rate_b=0.6,
                    reason="b wins")  # fmt: skip
    usual = {"serving": serving(g, name, stage), "n_decisions": 100, "rails": figures(g), "verdict": verdict(g),
             "look": g.Look(n_blocks=12, mean_bps=5.0, low_bps=0.5), "ab": ab}  # fmt: skip
    return g.Evidence(**{**usual, **changed})


def moved(g: SimpleNamespace, name: str, stage: int, evidence: Any, *, since: timedelta = timedelta(days=10)) -> Any:
    return g.tick(at(g, name, stage, since=since), plan(g, name), rails(g), evidence, NOW)


def holds(g: SimpleNamespace, name: str, stage: int, because: str, *, since: timedelta = timedelta(days=10),
          **changed: Any) -> None:  # fmt: skip
    step = moved(g, name, stage, good(g, name, stage, **changed), since=since)
    assert (step.rollout.stage, step.rollout.status, step.orders) == (stage, g.Status.RUNNING, ()), because
    assert because in step.rollout.reason
    assert step.rollout.entered_at == NOW - since


def ends(g: SimpleNamespace, step: Any, status: str, because: str, *, orders: tuple[Any, ...] | None = None) -> None:
    assert step.rollout.status == status, step.rollout
    assert because in step.rollout.reason
    assert step.orders == ((g.SetShare(NEW, 0.0), g.Restore(OLD)) if orders is None else orders)


def the_default_walk(g: SimpleNamespace) -> None:
    """Shadow, 5 %, 20 %, full: in this order, one at a time, each entered when the one before is left."""
    step = g.start(plan(g), NEW, OLD, g.Evidence(serving=OLD, verdict=verdict(g)), NOW)
    seen: list[Any] = [*step.orders]
    clock, stages = NOW, [step.rollout.stage]
    for _ in range(4):
        assert step.rollout.entered_at == clock or step.rollout.status is g.Status.PROMOTED
        clock += timedelta(days=3)
        step = g.tick(step.rollout, plan(g), rails(g), good(g, "default", step.rollout.stage), clock)
        seen += step.orders
        stages.append(step.rollout.stage)
    assert stages == [0, 1, 2, 3, 3]
    assert seen == [g.SetShare(NEW, 0.0), g.SetShare(NEW, 0.05), g.SetShare(NEW, 0.20), g.MoveAlias(NEW)]
    assert step.rollout.status is g.Status.PROMOTED and (step.rollout.candidate, step.rollout.champion) == (NEW, OLD)


def nothing_is_left_early(g: SimpleNamespace) -> None:
    """Time, sample, guard-rails and a calm market are needed at every stage but a test, which ends on its day."""
    for name, stage in STAGES:
        if (name, stage) == ("reversal", 0):
            continue
        holds(g, name, stage, "2 of at least 3 days", since=timedelta(days=3) - TICK)
        holds(g, name, stage, "99 of at least 100 resolved", n_decisions=99)
        holds(g, name, stage, "extreme conditions", is_paused=True)
        for metric, (limit, n) in RAILS.items():
            holds(g, name, stage, f"of at least {n} samples", rails=figures(g, **{metric: g.Figure(limit, n - 1)}))
            holds(g, name, stage, "rests on 0", rails=figures(g, **{metric: g.Unmeasured("no log")}))
            without = {key: value for key, value in figures(g).items() if key != metric}
            holds(g, name, stage, "guard-rail", rails=without)
        just = moved(g, name, stage, good(g, name, stage), since=timedelta(days=3))
        assert just.rollout.stage == stage + 1 or just.rollout.status is g.Status.PROMOTED


def shadow_asks_for_proof(g: SimpleNamespace) -> None:
    """A shadow is left on a bound above zero and a passing verdict; without either it waits."""
    for name in ("default", "risk"):
        holds(g, name, 0, "not proved better", look=None)
        holds(g, name, 0, "not proved better", look=g.Look(n_blocks=12, mean_bps=5.0, low_bps=0.0))
        holds(g, name, 0, "not proved better", look=g.Look(n_blocks=9, mean_bps=5.0, low_bps=-math.inf))
        holds(g, name, 0, "were not judged", verdict=None)
        holds(g, name, 0, "hit rate", verdict=verdict(g, passes=False))
        holds(g, name, 0, "starts the series", verdict=verdict(g, is_first=True))


def canaries_must_not_be_worse(g: SimpleNamespace) -> None:
    """A canary needs no second proof, but a failing condition takes it back."""
    for stage in (1, 2):
        holds(g, "default", stage, "were not judged", verdict=None)
        assert moved(g, "default", stage, good(g, "default", stage, look=None)).rollout.stage == stage + 1
        step = moved(g, "default", stage, good(g, "default", stage, verdict=verdict(g, passes=False)))
        ends(g, step, "rolled_back", "hit rate")
        step = moved(g, "default", stage, good(g, "default", stage, verdict=verdict(g, is_first=True)))
        ends(g, step, "rolled_back", "starts the series")


def stages_have_limits(g: SimpleNamespace) -> None:
    """60 days of shadow, then refused; 30 of a canary, then back; on the last day it may still pass."""
    for stage, days, status in ((0, 60, "refused"), (1, 30, "rolled_back"), (2, 30, "rolled_back")):
        last = timedelta(days=days)
        assert moved(g, "default", stage, good(g), since=last).rollout.stage == stage + 1
        ends(g, moved(g, "default", stage, good(g), since=last + TICK), status, f"after {days} days: so far")
    assert moved(g, "default", 3, good(g, "default", 3), since=timedelta(days=900)).rollout.status == "promoted"


def guard_rails_roll_back_at_once(g: SimpleNamespace) -> None:
    """In every stage, in the first minute and under a pause; the limit itself is allowed."""
    for name, stage in STAGES:
        for metric, (limit, n) in RAILS.items():
            for value, because in (
                (limit * 1.001, ""),
                (math.nan, f"could not be computed from its {n} sample"),
                (math.inf, "is infinite"),
                (-1.0, "is -1.0"),
            ):
                broken = figures(g, **{metric: g.Figure(value, n)})
                evidence = g.Evidence(serving=serving(g, name, stage), rails=broken, is_paused=True)
                step = moved(g, name, stage, evidence, since=TICK)
                ends(g, step, "rolled_back", f"{g.title(metric)} {because}")
                assert step.rollout.stage == stage
            hardly = figures(g, **{metric: g.Figure(limit * 2, n - 1)})
            assert moved(g, name, stage, good(g, name, stage, rails=hardly), since=TICK).orders == ()
        assert moved(g, name, stage, good(g, name, stage), since=TICK).orders == ()
        spotless = {metric: g.Figure(0.0, n) for metric, (_, n) in RAILS.items()}
        step = moved(g, name, stage, good(g, name, stage, rails=spotless))
        assert step.rollout.stage == stage + 1 or step.rollout.status is g.Status.PROMOTED
    several = figures(g, error_rate=g.Figure(0.5, 20), ece=g.Figure(0.5, 100))
    reason = moved(g, "default", 1, good(g, "default", 1, rails=several)).rollout.reason
    assert "error rate 50.0 % is over its guard-rail of 2.0 %; ECE 0.500 is over" in reason


def a_breach_restores_only_what_is_ours(g: SimpleNamespace) -> None:
    """A third version that serves meanwhile stays, whatever the candidate did."""
    broken = figures(g, error_rate=g.Figure(0.5, 20))
    out = (g.SetShare(NEW, 0.0),)
    for third in (THIRD, None):
        ends(g, moved(g, "default", 1, good(g, serving=third, rails=broken)), "rolled_back", "error", orders=out)
    for ours in (OLD, NEW):
        ends(g, moved(g, "default", 1, good(g, serving=ours, rails=broken)), "rolled_back", "error")


def a_new_champion_starts_it_again(g: SimpleNamespace) -> None:
    """The comparison was with another version: out of trading, and from the first stage against the new one."""
    for name, stage in (("default", 0), ("default", 1), ("default", 2), ("reversal", 0), ("risk", 0)):
        again = (g.SetShare(NEW, 0.0), g.StartAgain(NEW, THIRD))
        step = moved(g, name, stage, good(g, name, stage, serving=THIRD))
        ends(g, step, "superseded", f"{THIRD} replaced {OLD}", orders=again)
        for other, who in ((None, "nothing"), (NEW, NEW)):
            step = moved(g, name, stage, good(g, name, stage, serving=other))
            ends(g, step, "aborted", f"{who} serves, by another act", orders=(g.SetShare(NEW, 0.0),))
    for other in (OLD, THIRD, None):
        ends(g, moved(g, "default", 3, good(g, serving=other)), "aborted", "by another act", orders=())


def a_test_is_left_on_its_day(g: SimpleNamespace) -> None:
    """Only the new version's win promotes; with little data the day still comes."""
    week = timedelta(days=7)
    holds(g, "reversal", 0, "6 of at least 7 days", since=week - TICK)
    holds(g, "reversal", 0, "was not decided", since=week, ab=None)
    holds(g, "reversal", 0, "extreme conditions", since=week, is_paused=True)
    step = moved(g, "reversal", 0, good(g, "reversal", 0, n_decisions=0, rails={}), since=week)
    assert (step.rollout.stage, step.orders) == (1, (g.MoveAlias(NEW),))
    for winner in (g.Winner.MODEL_A, g.Winner.TIE):
        ab = replace(good(g).ab, winner=winner, reason="no")
        ends(g, moved(g, "reversal", 0, good(g, "reversal", 0, ab=ab), since=week), "refused", "no")


def an_ended_rollout_stays(g: SimpleNamespace) -> None:
    """Whatever comes after its end changes nothing, and there is nothing to advance or abort."""
    for status in g.Status:
        if status is g.Status.RUNNING:
            continue
        ended = replace(at(g, "default", 1), status=status)
        broken = good(g, rails=figures(g, ece=g.Figure(0.9, 100)))
        assert g.tick(ended, plan(g), rails(g), broken, NOW) == g.Step(ended)
        with pytest.raises(RefusalError):
            g.advance(ended, plan(g), rails(g), good(g), NOW)
        with pytest.raises(RefusalError, match=status.value):
            g.abort(ended, OLD, "anna", "enough")


def by_hand(g: SimpleNamespace) -> None:
    """Advancing is a tick that refuses to stay; aborting gives the traffic back."""

    def advance(stage: int, evidence: Any) -> Any:
        return g.advance(at(g, "default", stage), plan(g), rails(g), evidence, NOW)

    assert advance(0, good(g)).rollout.stage == 1
    assert advance(3, good(g, "default", 3)).rollout.status is g.Status.PROMOTED
    ends(g, advance(1, good(g, verdict=verdict(g, passes=False))), "rolled_back", "hit rate")
    with pytest.raises(RefusalError, match="not proved better"):
        advance(0, good(g, look=None))
    with pytest.raises(RefusalError, match="99 of at least 100"):
        advance(2, good(g, n_decisions=99))
    ends(g, g.abort(at(g, "default", 1), OLD, "anna", "enough"), "aborted", "anna: enough")
    ends(g, g.abort(at(g, "default", 3), NEW, "anna", "enough"), "aborted", "anna: enough")
    out = (g.SetShare(NEW, 0.0),)
    ends(g, g.abort(at(g, "default", 1), THIRD, "anna", "enough"), "aborted", "anna", orders=out)


def starting(g: SimpleNamespace) -> None:
    """Only with a passing verdict against what serves now, and in a calm market."""
    fine = g.Evidence(serving=OLD, verdict=verdict(g))
    first = {"default": g.SetShare(NEW, 0.0), "reversal": g.SetShare(NEW, 0.5), "meta": g.MoveAlias(NEW),
             "risk": g.SetShare(NEW, 0.0)}  # fmt: skip
    for name, order in first.items():
        step = g.start(plan(g, name), NEW, OLD, fine, NOW)
        assert step.orders == (order,)
        assert step.rollout == replace(at(g, name, 0), entered_at=NOW, reason="the offline gate passed")
    refused = {
        "was not judged": replace(fine, verdict=None),
        "hit rate": replace(fine, verdict=verdict(g, passes=False)),
        "starts the series": replace(fine, verdict=verdict(g, is_first=True)),
        f"against {OLD}, and {THIRD} serves": replace(fine, serving=THIRD),
        "and nothing serves": replace(fine, serving=None),
        "extreme conditions": replace(fine, is_paused=True),
    }
    for because, evidence in refused.items():
        with pytest.raises(RefusalError, match=because):
            g.start(plan(g), NEW, OLD, evidence, NOW)
    with pytest.raises(RefusalError, match="was judged against"):
        g.start(plan(g), OLD, OLD, fine, NOW)


def plans_are_sound(g: SimpleNamespace) -> None:
    """The shares grow, a shadow has none, and full stands once, last, for all of the traffic."""
    shadow, five, twenty, full = plan(g).stages
    sound = [(shadow, full), (full,), (five, full)]
    broken = [(), (shadow,), (full, full), (full, shadow), (shadow, twenty, five, full), (shadow, five, five, full),
              (replace(shadow, share=0.1), full), (replace(five, share=0.0), full), (shadow, replace(full, share=0.9)),
              (replace(five, share=-0.1), full), (shadow, replace(five, share=1.0)),
              (replace(full, share=0.5), replace(five, share=1.0))]  # fmt: skip
    for stages in sound:
        g.RolloutPlan("sound", stages)
    for stages in broken:
        with pytest.raises(SettingsError):
            g.RolloutPlan("broken", stages)
    assert [stage.name for stage in plan(g).stages] == ["shadow", "canary 5 %", "canary 20 %", "full"]


def learners_go_by_their_plans(g: SimpleNamespace) -> None:
    """A week's test for `reversal`, an atomic swap for `meta`, stages for everybody else; or as the settings say."""
    usual = g.RolloutSettings()
    names = ("reversal", "meta", "risk", "m002", "mine")
    assert [g.plan_of(name, usual) for name in names] == ["reversal", "meta", "risk", "default", "default"]
    assert g.plan_of("mine", g.RolloutSettings(plans={"mine": "risk"})) == "risk"


CHECKS: tuple[Callable[[SimpleNamespace], None], ...] = (
    the_default_walk, nothing_is_left_early, shadow_asks_for_proof, canaries_must_not_be_worse, stages_have_limits,
    guard_rails_roll_back_at_once, a_breach_restores_only_what_is_ours, a_new_champion_starts_it_again,
    a_test_is_left_on_its_day, an_ended_rollout_stays, by_hand, starting, plans_are_sound,
    learners_go_by_their_plans,
)  # fmt: skip
