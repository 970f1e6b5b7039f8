"""An act is done again at its instant, or it is said why not; acts in a whole life: tests/cli/test_relive.py."""

from pathlib import Path
from typing import Any

import pytest

from ledger_world import day
from live_world import Turns
from pawl.errors import InputError
from pawl.evaluation.costs import Costs
from pawl.gates.policy_gate import GateSettings
from pawl.jobs.live.loop_place import LoopPlace
from pawl.jobs.live.operator_acts import ActWorld, do_again
from pawl.jobs.live.rollout_rules import RolloutRules, RolloutWorld
from pawl.jobs.verdicts import Terms
from pawl.jobs.workspace import Workspace
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import LiveEntry, live_entries
from pawl.ledger.trigger_firings import list_firings


@pytest.fixture
def world(ledger: Ledger, tmp_path: Path) -> ActWorld:
    """Of a learner without versions."""
    learner: Any = Turns()
    rollouts = RolloutWorld.of(ledger, learner.spec, RolloutRules())
    terms = Terms(costs=Costs(), gate=GateSettings(), seed=7)
    workspace = Workspace.at(tmp_path, ledger)
    return ActWorld(workspace=workspace, learner=learner, rollouts=rollouts, terms=terms, clock=lambda: 0.0)


def act(name: str, on: int, **told: Any) -> LiveEntry:
    behind = LoopPlace(at=day(on), cycle=0, number=0).payload
    payload = {"by": "me", "reason": "why", "behind": behind, **told}
    return LiveEntry(learner="m002", at=day(on), kind="act", name=name, payload=payload)


def test_a_pause_and_its_end_are_dated_as_they_were(world: ActWorld, ledger: Ledger) -> None:
    for one in (act("pause", 1), act("resume", 2), act("retrain", 3)):
        do_again(world, one)
    with ledger.reading() as tx:
        asked, pause = list_firings(tx, "m002")
        log = [one.name for one in live_entries(tx, "m002", "act")]
    assert (pause.at, pause.ended_at, pause.end_reason, pause.fired_by) == (day(1), day(2), "why", "me")
    assert (asked.at, asked.effect) == (day(3), "retrain")
    assert log == ["pause", "resume", "retrain"]  # what is played can be played again


@pytest.mark.parametrize(
    ("name", "told", "why"),
    [
        ("sing", {}, "no such act"),
        ("promote", {"version": "m002-1.0", "eval_id": "0" * 32}, "m002-1.0"),
        ("rollout abort", {"version": "m002-1.0"}, "no rollout of `m002-1.0` runs"),
        ("rollback", {"version": "m002-1.0"}, "no version"),
        ("rollout advance", {}, "version"),
        ("judge", {"version": "m002-1.0"}, "m002-1.0"),
        ("test stop", {"test_id": "0" * 32}, "no A/B test"),
        ("train", {}, "a training that a person holds reads at no instant of the loop"),
        ("pause", {"behind": {"at": day(1).isoformat(), "cycle": "", "number": 0}}, "before the loop had run"),
    ],
)
def test_what_cannot_be_done_again_is_said(world: ActWorld, name: str, told: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError, match=f"`{name}` .*at .* cannot be done again: .*{why}"):
        do_again(world, act(name, 1, **told))
