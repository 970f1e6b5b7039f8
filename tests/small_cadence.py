"""A fortnight of the small market of pairs, replayed by the calendar."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pawl.gates.ab_test import AbSettings
from pawl.gates.policy_gate import GateSettings
from pawl.jobs.cadence_plan import Event
from pawl.jobs.cadence_replaying import Cadence, run_cadence
from pawl.jobs.replay_plan import ReplayOrder
from training_world import FIRST_AT, THURSDAY, SmallWorld, market_world

__all__ = ["CutOffError", "Watch", "order", "played", "told", "whole"]

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


class CutOffError(Exception):
    """The process died."""


@dataclass
class Watch:
    """Counts events, and dies at one."""

    die_at: int | None = None
    seen: int = 0

    def __call__(self, event: Event, told: Mapping[str, Any]) -> None:
        self.seen += 1
        if self.seen == self.die_at:
            raise CutOffError


def played(home: Path, watch: Watch, **changes: Any) -> dict[str, Any]:
    world = market_world(home)
    cadence = Cadence(ab_test=AbSettings(), on_event=watch, **changes)
    return run_cadence(world.workspace, world.learner, order(world), {}, cadence)


@cache
def whole() -> dict[str, Any]:
    """The fortnight undisturbed; made once a process."""
    with TemporaryDirectory() as home:
        return played(Path(home), Watch())


def told(result: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return [one for one in result["verdicts"] if one["event"].startswith(kind)]
