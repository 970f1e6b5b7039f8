"""The rollout machine: PASS-R31, R32, R33 and what else a stage must hold. The same cases catch its mutants."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rollout_cases as cases
from online_gates import real

G = real()


@pytest.mark.parametrize("check", cases.CHECKS, ids=lambda check: check.__name__)
def test_a_rollout_does_what_its_plan_says(check: Callable[[SimpleNamespace], None]) -> None:
    check(G)


EVENTS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 200), st.booleans(), st.booleans(), st.booleans()), max_size=12
)


@given(EVENTS)
def test_pass_r31_no_stage_is_skipped_whatever_the_evidence(events: list[tuple[int, int, bool, bool, bool]]) -> None:
    """PASS-R31: the stage grows by one or not at all, each time after its minimum of days and decisions."""
    clock = cases.NOW
    step = G.start(cases.plan(G), cases.NEW, cases.OLD, G.Evidence(serving=cases.OLD, verdict=cases.verdict(G)), clock)
    for days, decisions, is_better, passes, is_paused in events:
        before, since = step.rollout, clock
        clock += cases.timedelta(days=days)
        look = G.Look(n_blocks=12, mean_bps=1.0, low_bps=1.0 if is_better else -1.0)
        evidence = cases.good(
            G, "default", before.stage, n_decisions=decisions, look=look, is_paused=is_paused,
            verdict=cases.verdict(G, passes=passes),
        )  # fmt: skip
        step = G.tick(before, cases.plan(G), cases.rails(G), evidence, clock)
        if step.rollout.stage == before.stage:
            continue
        assert step.rollout.stage == before.stage + 1 and before.status is G.Status.RUNNING
        assert clock - before.entered_at >= cases.timedelta(days=3) and decisions >= 100
        assert passes and not is_paused and (is_better or before.stage > 0) and since <= clock


@given(st.text(max_size=20))
def test_pass_r32_a_shadow_never_acts(user: str) -> None:
    """PASS-R32: in shadow the candidate decides for everybody, and its order reaches trading for nobody."""
    share = cases.plan(G).stages[0].share
    routing = G.route(cases.OLD, cases.NEW, share, user)
    assert (routing.acting, routing.shadows) == (cases.OLD, (cases.NEW,))
    assert G.order_of(routing, {cases.OLD: "hold", cases.NEW: "buy"}) == "hold"
    assert G.order_of(routing, {cases.NEW: "buy"}) is None


@pytest.mark.parametrize(("name", "stage"), cases.STAGES)
def test_pass_r33_a_failure_in_any_stage_brings_the_version_before_back(name: str, stage: int) -> None:
    """PASS-R33: out of trading and the champion restored in the same step, with the reason in the state."""
    broken = cases.figures(G, max_drawdown_bps=G.Figure(812.0, 1))
    step = cases.moved(G, name, stage, cases.good(G, name, stage, rails=broken), since=cases.TICK)
    assert step.orders == (G.SetShare(cases.NEW, 0.0), G.Restore(cases.OLD))
    assert step.rollout.status is G.Status.ROLLED_BACK
    assert step.rollout.reason == "MDD 812.0 bps is over its guard-rail of 500.0 bps"
