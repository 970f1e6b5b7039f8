"""What a person does to a running loop, written down with the instant of the loop, and done again when it is played."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import InputError, PawlError
from pawl.ids import ModelVersion
from pawl.jobs.live.ab_acts import stop_by_hand
from pawl.jobs.live.act_record import BEHIND
from pawl.jobs.live.announcing import announce_move
from pawl.jobs.live.judging_by_hand import judge_by_hand
from pawl.jobs.live.loop_place import LoopPlace
from pawl.jobs.live.rollout_orders import By
from pawl.jobs.live.rollout_rules import RolloutWorld
from pawl.jobs.live.rollouts import abort_by_hand, advance_by_hand, begin_rollout
from pawl.jobs.live.trigger_acts import ask_for_training, pause_by_hand, resume_by_hand
from pawl.jobs.rollback import Asked, roll_back_learner
from pawl.jobs.verdicts import Terms
from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Learner
from pawl.ledger.deployments import Move, promote
from pawl.ledger.live_log import LiveEntry

__all__ = ["ActWorld", "do_again", "require_doable"]

NOT_AGAIN: Mapping[str, str] = {
    "train": "a training that a person holds reads at no instant of the loop (pawl triggers retrain asks the loop)"
}
"""Acts that are on record, and why they cannot be done again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActWorld:
    """What acts are done to. terms: under which they judge. clock: seconds, to measure by."""

    workspace: Workspace
    learner: Learner[Any]
    rollouts: RolloutWorld
    terms: Terms
    clock: Callable[[], float]


def do_again(world: ActWorld, act: LiveEntry) -> None:
    """Do what an entry of the log says that a person did, at the instant at which it took effect.

    InputError where it cannot be done: it is an act that nobody knows here, or what it rests on is not there.
    """
    require_doable([act])
    try:
        _DOERS[act.name](world, act.payload, act.at)
    except (PawlError, KeyError) as error:
        raise _cannot(act, str(error)) from error


def require_doable(acts: Sequence[LiveEntry]) -> None:
    """InputError for the first that can never be done again: told before hours of playing."""
    for act in acts:
        if act.name in NOT_AGAIN:
            raise _cannot(act, NOT_AGAIN[act.name])
        if act.name not in _DOERS:
            raise _cannot(act, "no such act is known here")
        if LoopPlace.of(act.payload[BEHIND]).cycle < 0:
            raise _cannot(act, "it was done before the loop had run for the first time, so it has no instant there")


def _cannot(act: LiveEntry, why: str) -> InputError:
    version = act.payload.get("version")
    named = f"`{act.name}`" if version is None else f"`{act.name}` of {version}"
    return InputError(
        f"{named} at {act.at:%Y-%m-%d %H:%M} UTC cannot be done again: {why}",
        where="live_log",
        fix="this life cannot be played; what a loop does by itself, and the acts in docs/live.md, can",
    )


def _promote(world: ActWorld, told: Mapping[str, Any], at: datetime) -> None:
    with world.workspace.versions.ledger.transaction() as tx:
        move = Move(by=told["by"], reason=told["reason"], at=at)
        announce_move(tx, promote(tx, ModelVersion(told["version"]), UUID(told["eval_id"]), move))


def _roll_back(world: ActWorld, told: Mapping[str, Any], at: datetime) -> None:
    asked = Asked(by=told["by"], reason=told["reason"], now=at, to=ModelVersion(told["version"]))
    roll_back_learner(world.workspace, world.learner, asked, world.rollouts.rules, world.clock)


def _start(world: ActWorld, told: Mapping[str, Any], at: datetime) -> None:
    by = By(who=told["by"], at=at, split=told["split"], test_name=told["test_name"])
    begin_rollout(replace(world.rollouts, plan_name=told["plan"]), ModelVersion(told["version"]), at, by)


def _advance(world: ActWorld, told: Mapping[str, Any], at: datetime) -> None:
    advance_by_hand(world.rollouts, ModelVersion(told["version"]), By(who=told["by"], at=at))


def _abort(world: ActWorld, told: Mapping[str, Any], at: datetime) -> None:
    abort_by_hand(world.rollouts, ModelVersion(told["version"]), told["reason"], By(who=told["by"], at=at))


def _stop(world: ActWorld, told: Mapping[str, Any], at: datetime) -> None:
    stop_by_hand(world.rollouts, UUID(told["test_id"]), By(who=told["by"], at=at))


def _judge(world: ActWorld, told: Mapping[str, Any], at: datetime) -> None:
    judge_by_hand(world.workspace, world.learner, ModelVersion(told["version"]), world.terms, at)


def _of_triggers(act: Callable[[sa.Connection, str, str, str, datetime], object]) -> "_Doer":
    def do(world: ActWorld, told: Mapping[str, Any], at: datetime) -> None:
        with world.workspace.versions.ledger.transaction() as tx:
            act(tx, world.learner.spec.name, told["reason"], told["by"], at)

    return do


_Doer = Callable[[ActWorld, Mapping[str, Any], datetime], None]

_DOERS: Mapping[str, _Doer] = {
    "promote": _promote,
    "rollback": _roll_back,
    "rollout start": _start,
    "rollout advance": _advance,
    "rollout abort": _abort,
    "test stop": _stop,
    "judge": _judge,
    "pause": _of_triggers(pause_by_hand),
    "resume": _of_triggers(resume_by_hand),
    "retrain": _of_triggers(ask_for_training),
}
