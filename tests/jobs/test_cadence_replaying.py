"""A fortnight of the small market by the calendar: what is due happens, and a replay that was cut off ends the same."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pawl.errors import TooLittleDataError
from pawl.gates.ab_test import AbSettings
from pawl.gates.policy_gate import GateSettings
from pawl.jobs.cadence_plan import Event
from pawl.jobs.cadence_replaying import Cadence, run_cadence
from pawl.jobs.replay_plan import ReplayOrder
from training_world import FIRST_AT, SUNDAY, THURSDAY, SmallWorld, market_world

START = FIRST_AT + timedelta(days=2)


def order(world: SmallWorld) -> ReplayOrder:
    return ReplayOrder(
        start=START,
        end=THURSDAY,
        now=THURSDAY,
        seed=7,
        costs=world.costs,
        gate=GateSettings(),
        limits=world.limits,
        retrain_every=timedelta(days=7),
    )


class CutOff(Exception):
    """The process died."""


@dataclass
class Watch:
    """Counts events, and dies at one."""

    die_at: int | None = None
    seen: int = 0

    def __call__(self, event: Event, told: Mapping[str, Any]) -> None:
        self.seen += 1
        if self.seen == self.die_at:
            raise CutOff


def played(home: Path, watch: Watch, **changes: Any) -> dict[str, Any]:
    world = market_world(home)
    cadence = Cadence(ab_test=AbSettings(), on_event=watch, **changes)
    return run_cadence(world.workspace, world.learner, order(world), {}, cadence)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return played(tmp_path_factory.mktemp("whole"), Watch())


def told(result: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return [one for one in result["verdicts"] if one["event"].startswith(kind)]


def test_rev_r10_everything_due_happens_once_in_its_order(whole: dict[str, Any]) -> None:
    keys = [one["event"] for one in whole["verdicts"]]
    assert len(set(keys)) == len(keys)
    assert [len(told(whole, kind)) for kind in ("first", "weekly", "daily", "monthly")] == [1, 1, 9, 0]
    assert keys.index(f"weekly@{SUNDAY.isoformat()}") < keys.index(f"daily@{SUNDAY.replace(hour=2).isoformat()}")
    assert whole["daily"]["due"] == 9
    assert whole["daily"]["skipped"] == 2, "Sunday and Monday"
    assert sum(whole["daily"][name] for name in ("skipped", "passed", "failed")) == 9


def test_rev_r32_no_update_is_deployed_while_the_test_runs(whole: dict[str, Any]) -> None:
    (weekly,) = told(whole, "weekly")
    assert weekly["test"] == weekly["version"]
    after = [one for one in told(whole, "daily") if one["event"] > f"daily@{SUNDAY.isoformat()}" and "version" in one]
    assert after
    assert not any(one["is_deployed"] for one in after)


def test_three_policies_decide_on_the_same_bars_and_the_baselines_stand_beside(whole: dict[str, Any]) -> None:
    policies = whole["policies"]
    assert set(policies) == {"gated", "always", "frozen"}
    assert len({one["decisions"] for one in policies.values()}) == 1
    assert policies["frozen"]["versions"] == 1 < policies["gated"]["versions"] <= policies["always"]["versions"]
    assert set(whole["baselines"]) == {"reversal", "linear", "lightgbm"}
    assert all(0 <= one["hold_share"] <= 1 for one in policies.values())
    json.dumps(whole, allow_nan=False)


@pytest.mark.parametrize("die_at", [1, 4, 7])
def test_a_replay_that_was_cut_off_ends_as_if_it_had_not_been(
    tmp_path: Path, whole: dict[str, Any], die_at: int
) -> None:
    with pytest.raises(CutOff):
        played(tmp_path, Watch(die_at=die_at))
    again = played(tmp_path, Watch())
    assert {**again, "home": ""} == {**whole, "home": ""}


def test_months_are_selected_where_somebody_can(tmp_path: Path) -> None:
    asked = []

    def select(world: Any, at: Any) -> Mapping[str, Any]:
        asked.append(at)
        return {"selected": None}

    result = played(tmp_path, Watch(), select_monthly=select)
    assert [at.day for at in asked] == [1]
    assert len(told(result, "monthly")) == 1


def test_without_bars_it_says_so(tmp_path: Path) -> None:
    world = market_world(tmp_path)
    late = ReplayOrder(**{**{name: getattr(order(world), name) for name in ReplayOrder.__dataclass_fields__},
                          "start": THURSDAY + timedelta(days=90), "end": THURSDAY + timedelta(days=99)})  # fmt: skip
    with pytest.raises(TooLittleDataError):
        run_cadence(world.workspace, world.learner, late, {}, Cadence(ab_test=AbSettings()))
