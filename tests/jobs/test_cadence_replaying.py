"""A replay by the calendar that was cut off ends as if it had not been; months only where somebody selects."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pawl.errors import TooLittleDataError
from pawl.gates.ab_test import AbSettings
from pawl.jobs.cadence_replaying import Cadence, run_cadence
from small_cadence import CutOffError, Watch, order, played, told, whole
from training_world import THURSDAY, market_world

SOAK = pytest.mark.soak


@pytest.mark.parametrize("die_at", [pytest.param(1, marks=SOAK), 4, pytest.param(7, marks=SOAK)])
def test_a_replay_that_was_cut_off_ends_as_if_it_had_not_been(tmp_path: Path, die_at: int) -> None:
    with pytest.raises(CutOffError):
        played(tmp_path, Watch(die_at=die_at))
    again = played(tmp_path, Watch())
    assert {**again, "home": ""} == {**whole(), "home": ""}


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
    late = replace(order(world), start=THURSDAY + timedelta(days=90), end=THURSDAY + timedelta(days=99))
    with pytest.raises(TooLittleDataError):
        run_cadence(world.workspace, world.learner, late, {}, Cadence(ab_test=AbSettings()))
