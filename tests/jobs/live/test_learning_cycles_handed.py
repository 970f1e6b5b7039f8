"""What the cycles of learning hand to a training, to a month and to a rollout: the loop that they stand in."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from live_world import Market
from pawl.evaluation.costs import Costs
from pawl.gates.policy_gate import GateSettings
from pawl.gates.rollout_state import Rollout, Status
from pawl.gates.sequence_config import SequenceSettings
from pawl.ids import ModelVersion
from pawl.jobs.live import learning_cycles as module
from pawl.jobs.live.announcing import announce_move
from pawl.jobs.live.learning_cycles import LearningTerms, learning_cycles
from pawl.jobs.live.live_settings import LiveSettings
from pawl.jobs.live.monthly_settings import MonthlySettings
from pawl.jobs.live.rollout_rules import RolloutRules
from pawl.jobs.live.turn import Turn
from pawl.jobs.live.world import LiveWorld
from pawl.jobs.verdicts import Terms
from pawl.ledger.trigger_firings import BY_HAND, NewFiring, is_paused, record_firing
from pawl.market.calendars import FX
from pawl.triggers.trigger_config import TriggerSettings
from training_world import PAIRS, SUNDAY, small_world

SUNDAY_1ST = datetime(2025, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRST, SECOND = ModelVersion("reversal-3.3"), ModelVersion("reversal-3.4")


@pytest.fixture
def bare(tmp_path: Path) -> LiveWorld:
    """A loop of `reversal` with nothing in it."""
    small = small_world(tmp_path)
    return LiveWorld(
        workspace=small.workspace, learner=small.learner, tickers=PAIRS, source=Market(), costs=small.costs,
        limits=small.limits, settings=LiveSettings(), seed=7, calendar=FX,
    )  # fmt: skip


def terms() -> LearningTerms:
    return LearningTerms(
        terms=Terms(costs=Costs(), gate=GateSettings(), seed=7),
        rollout=RolloutRules(is_paused=is_paused),
        triggers=TriggerSettings(),
        sequence=SequenceSettings(),
        monthly=MonthlySettings(),
    )


def spied(monkeypatch: pytest.MonkeyPatch, *names: str, gives: object = None) -> dict[str, list[tuple[Any, ...]]]:
    """Put something in the place of these functions of the module that notes what it is called with."""
    calls: dict[str, list[tuple[Any, ...]]] = {name: [] for name in names}

    def note(name: str) -> Callable[..., object]:
        def called(*arguments: object) -> object:
            calls[name].append(arguments)
            return gives

        return called

    for name in names:
        monkeypatch.setattr(module, name, note(name))
    return calls


def test_a_training_is_handed_the_loop_it_stands_in(bare: LiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """REV-R26, R42: its pauses, its turn, its announcements, its watch; and a pass begins a rollout of this loop,
    which judges again by the loop's own judge.
    """
    calls = spied(
        monkeypatch, "train_full", "update_daily_version", "begin_rollout", "judge_version",
        gives=SimpleNamespace(told=lambda: {"told": 1}, version=SECOND),
    )  # fmt: skip
    turn, own = Turn(), replace(terms(), stopwatch=lambda: 1.0)
    by_name = {one.name: one for one in learning_cycles(bare, own, turn)}
    assert by_name["weekly"].run(SUNDAY) == by_name["daily"].run(SUNDAY + HOUR) == {"told": 1}
    ((_, around, at, cause),), ((_, same, at_day),) = calls["train_full"], calls["update_daily_version"]
    assert (at, cause, at_day) == (SUNDAY, "schedule", SUNDAY + HOUR) and same is around
    assert (around.is_paused, around.announce_move) == (is_paused, announce_move)
    assert (around.take_turn, around.stopwatch, around.gate) == (turn.take, own.stopwatch, own.terms.gate)
    assert module._for_a_trigger(bare, around, SUNDAY, "feature_drift") == SECOND
    assert calls["train_full"][1][1:] == (around, SUNDAY, "feature_drift")
    around.begin_rollout(SECOND, SUNDAY)
    ((rollouts, version, begun_at),) = calls["begin_rollout"]
    assert (version, begun_at, rollouts.learner, rollouts.ledger) == (SECOND, SUNDAY, "reversal", bare.ledger)
    assert (rollouts.rules.rollout, rollouts.rules.is_paused) == (own.rollout.rollout, is_paused)
    rollouts.rules.judge_again(SECOND, SUNDAY)
    assert calls["judge_version"] == [(bare.workspace, bare.learner, SECOND, own.terms, SUNDAY)]


def test_a_month_is_handed_the_loop_it_stands_in(bare: LiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A winner begins a rollout, in this process's turn, and never serves at once; pauses hold it, moves are told."""
    idle = SimpleNamespace(select=lambda at: {"at": at}, report=lambda at, told: None)
    calls = spied(monkeypatch, "MonthRun", "begin_rollout", gives=idle)
    turn, own = Turn(), terms()
    taken: list[str] = []
    monkeypatch.setattr(Turn, "take", lambda self: taken.append(f"turn, {len(calls['begin_rollout'])} begun"))
    monthly = next(one for one in learning_cycles(bare, own, turn) if one.name == "monthly")
    assert monthly.run(SUNDAY_1ST) == {"at": SUNDAY_1ST} and monthly.rest is idle.report
    ((month, source),) = calls["MonthRun"]
    assert (month.is_paused, month.on_move) == (is_paused, announce_move)
    assert (month.workspace, month.learner, month.tickers) == (bare.workspace, bare.learner, PAIRS)
    assert (month.terms, month.settings) == (own.terms, own.monthly)
    assert (source.workspace, source.learner, source.tickers) == (bare.workspace, "reversal", PAIRS)
    assert (source.timeframe, source.limits) == (bare.learner.spec.timeframe, bare.limits)
    month.before_effect()
    month.begin_rollout(SECOND, SUNDAY_1ST)
    assert taken == ["turn, 0 begun"] * 2
    assert [call[1:] for call in calls["begin_rollout"]] == [(SECOND, SUNDAY_1ST)]
    with bare.ledger.transaction() as tx:
        for n in range(4):
            what = {"kind": BY_HAND, "effect": "retrain", "reason": f"{n}", "by": "test", "key": f"{n}"}
            record_firing(tx, NewFiring(learner="reversal", at=SUNDAY + n * HOUR, **what))  # type: ignore[arg-type]
    with bare.ledger.reading() as tx:
        found = source.firings(tx, "reversal", SUNDAY, SUNDAY + 2 * HOUR)
    assert [(one.at, one.kind, one.effect, one.reason) for one in sorted(found, key=lambda one: one.at)] == [
        (SUNDAY + HOUR, BY_HAND, "retrain", "1"), (SUNDAY + 2 * HOUR, BY_HAND, "retrain", "2"),
    ]  # fmt: skip


def test_a_tick_tells_where_its_candidate_stands(bare: LiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    state = Rollout(plan="default", candidate=SECOND, champion=FIRST, stage=2, entered_at=SUNDAY,
                    status=Status.ROLLED_BACK, reason="so far")  # fmt: skip
    for stored, told in (
        (SimpleNamespace(state=state), {"candidate": SECOND, "stage": "canary 20 %", "status": "rolled_back"}),
        (None, {}),
    ):
        calls = spied(monkeypatch, "tick_rollouts", gives=stored)
        tick = next(one for one in learning_cycles(bare, terms(), Turn()) if one.name == "rollouts")
        assert tick.run(SUNDAY) == told
        assert [call[1] for call in calls["tick_rollouts"]] == [SUNDAY]
