"""Steps of a rollout that move the alias, each prepared up to the moment before it, and taken by name."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pawl.gates.rollout_plan import RolloutSettings
from pawl.jobs.live.rollout_orders import By
from pawl.jobs.live.rollout_rules import RolloutRules, RolloutWorld
from pawl.jobs.live.rollouts import abort_by_hand, advance_by_hand, begin_rollout, tick_rollouts
from pawl.ledger.database import Ledger
from rollout_world import NEW, OLD, Life, Said, better, harmful

__all__ = ["PREPARED", "STEPS", "Prepared"]


@dataclass(frozen=True)
class Prepared:
    """plan: of the learner. lead: brings a life to the moment before. before, after: who serves, and the status."""

    plan: str
    lead: Callable[[Life], None]
    before: tuple[str, str | None]
    after: tuple[str, str]


def winning(version: str, number: int) -> Said:
    """The new version wins more often."""
    wins = 8 if version == NEW else 5
    return Said(pnl=0.001 if number % 10 < wins else -0.001, confidence=wins / 10)


def _world(ledger: Ledger, plan: str) -> RolloutWorld:
    rules = RolloutRules(rollout=RolloutSettings(plans={"m002": plan}))
    return RolloutWorld(ledger=ledger, learner="m002", horizon=Life.horizon, rules=rules)


def _to_the_end_of_the_test(life: Life) -> None:
    life.begin()
    life.live(7, winning)


def _to_the_end_of_the_canaries(life: Life) -> None:
    life.begin()
    life.put(2, 0.2)
    life.live(3, better)


def _to_harm(life: Life) -> None:
    life.begin()
    life.live(0.5, harmful)


PREPARED: dict[str, Prepared] = {
    "begin": Prepared("meta", lambda life: None, (OLD, None), (NEW, "running")),
    "test decided": Prepared("reversal", _to_the_end_of_the_test, (OLD, "running"), (NEW, "running")),
    "promoted": Prepared("default", _to_the_end_of_the_canaries, (OLD, "running"), (NEW, "running")),
    "advanced": Prepared("default", _to_the_end_of_the_canaries, (OLD, "running"), (NEW, "running")),
    "rolled back": Prepared("meta", _to_harm, (NEW, "running"), (OLD, "rolled_back")),
    "aborted": Prepared("meta", _to_harm, (NEW, "running"), (OLD, "aborted")),
}


def _tick(plan: str) -> Callable[[Ledger, datetime], object]:
    return lambda ledger, at: tick_rollouts(_world(ledger, plan), at)


STEPS: dict[str, Callable[[Ledger, datetime], object]] = {
    "begin": lambda ledger, at: begin_rollout(_world(ledger, "meta"), NEW, at),
    "test decided": _tick("reversal"),
    "promoted": _tick("default"),
    "advanced": lambda ledger, at: advance_by_hand(_world(ledger, "default"), NEW, By(who="anna", at=at)),
    "rolled back": _tick("meta"),
    "aborted": lambda ledger, at: abort_by_hand(_world(ledger, "meta"), NEW, "enough", By(who="anna", at=at)),
}
