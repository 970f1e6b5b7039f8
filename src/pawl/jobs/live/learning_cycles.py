"""The cycles by which a loop learns: rollouts, triggers, and the trainings of its learner's calendar."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa

from pawl.errors import PawlError
from pawl.gates.sequence_config import SequenceSettings
from pawl.ids import ModelVersion
from pawl.jobs.live.announcing import announce_move
from pawl.jobs.live.cycle import Cycle, Told
from pawl.jobs.live.daily_update import update_daily_version
from pawl.jobs.live.full_training import ON_SCHEDULE, train_full
from pawl.jobs.live.monthly_facts import MonthSource
from pawl.jobs.live.monthly_report import MonthRun
from pawl.jobs.live.monthly_selection import MonthlyWorld
from pawl.jobs.live.monthly_settings import MonthlySettings
from pawl.jobs.live.rollout_rules import RolloutRules, RolloutWorld
from pawl.jobs.live.rollouts import begin_rollout, tick_rollouts
from pawl.jobs.live.stage_memory import StageMemory
from pawl.jobs.live.surroundings import surroundings_of
from pawl.jobs.live.training_world import Surroundings
from pawl.jobs.live.trigger_cycles import trigger_cycles
from pawl.jobs.live.turn import Turn
from pawl.jobs.live.world import LiveWorld
from pawl.jobs.verdicts import Terms, judge_version
from pawl.ledger.training_lock import training_lock
from pawl.ledger.trigger_firings import is_paused, list_firings
from pawl.reports.monthly_data import Firing
from pawl.triggers.schedule import SCHEDULES, Every, Schedule
from pawl.triggers.trigger_config import TriggerSettings

__all__ = ["LearningTerms", "calendar_of", "learning_cycles"]

HOURLY = Every(timedelta(hours=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningTerms:
    """Under which terms a loop learns. rollout: its second judge is the loop's own, whatever is set. stopwatch:
    seconds, to say how long trainings took; None says nothing, so that the same run leaves the same bytes.
    """

    terms: Terms
    rollout: RolloutRules
    triggers: TriggerSettings
    sequence: SequenceSettings
    monthly: MonthlySettings
    stopwatch: Callable[[], float] | None = None


def calendar_of(world: LiveWorld) -> Mapping[str, Schedule]:
    """When a learner trains: daily, weekly and monthly for `reversal`; any other in full, as often as its spec says."""
    if world.name == "reversal":
        return {name: SCHEDULES[f"reversal_{name}"] for name in ("daily", "weekly", "monthly")}
    return {"weekly": Every(world.learner.spec.cadence), "monthly": SCHEDULES["reversal_monthly"]}


def learning_cycles(world: LiveWorld, terms: LearningTerms, turn: Turn) -> tuple[Cycle, ...]:
    """In their order at one instant: a candidate takes its step before a new one is trained. turn: of this process."""
    rollouts = _rollout_world(world, terms)
    begin = partial(begin_rollout, rollouts)
    around = replace(
        surroundings_of(world.name, terms.terms.gate, is_paused, begin, announce_move, turn.take),
        stopwatch=terms.stopwatch,
    )
    month = _month_run(world, terms, rollouts, turn)
    runs = {
        "daily": partial(_daily, world, around),
        "weekly": partial(_weekly, world, around),
        "monthly": partial(_monthly, world, month),
    }
    rests = {"monthly": month.report}
    calendar = calendar_of(world)
    return (
        Cycle(name="rollouts", schedule=HOURLY, run=partial(_tick, rollouts), after=("positions", "signals")),
        *trigger_cycles(world, terms.triggers, terms.sequence, partial(_for_a_trigger, world, around)),
        *(
            Cycle(name=name, schedule=calendar[name], run=run, is_training=True, rest=rests.get(name))
            for name, run in runs.items()
            if name in calendar
        ),
    )


def _rollout_world(world: LiveWorld, terms: LearningTerms) -> RolloutWorld:
    def judge_again(version: ModelVersion, at: datetime) -> object:
        return judge_version(world.workspace, world.learner, version, terms.terms, at)

    rules = replace(terms.rollout, judge_again=judge_again)
    return replace(RolloutWorld.of(world.ledger, world.learner.spec, rules), memory=StageMemory())


def _tick(world: RolloutWorld, at: datetime) -> Told:
    stored = tick_rollouts(world, at)
    if stored is None:
        return {}
    state = stored.state
    return {
        "candidate": state.candidate,
        "stage": world.rules.plan(state.plan).stages[state.stage].name,
        "status": str(state.status),
    }


def _daily(world: LiveWorld, around: Surroundings, at: datetime) -> Told:
    return update_daily_version(world, around, at).told()


def _weekly(world: LiveWorld, around: Surroundings, at: datetime) -> Told:
    return train_full(world, around, at, ON_SCHEDULE).told()


def _for_a_trigger(world: LiveWorld, around: Surroundings, at: datetime, cause: str) -> ModelVersion | None:
    try:
        return train_full(world, around, at, cause).version
    except PawlError:
        return None  # the job says why; it is tried again, and given up, by the count of those that failed


def _monthly(world: LiveWorld, month: MonthRun, at: datetime) -> Told:
    with training_lock(world.ledger):  # files are given up in it, and no training may read them meanwhile
        return month.select(at)


def _month_run(world: LiveWorld, terms: LearningTerms, rollouts: RolloutWorld, turn: Turn) -> MonthRun:
    def begin(version: ModelVersion, at: datetime) -> object:
        turn.take()
        return begin_rollout(rollouts, version, at)

    month = MonthlyWorld(
        workspace=world.workspace,
        learner=world.learner,
        tickers=world.tickers,
        terms=terms.terms,
        settings=terms.monthly,
        is_paused=is_paused,
        begin_rollout=begin,
        on_move=announce_move,
        before_effect=turn.take,
    )
    source = MonthSource(
        workspace=world.workspace,
        learner=world.name,
        timeframe=world.learner.spec.timeframe,
        tickers=world.tickers,
        limits=world.limits,
        firings=_firings,
    )
    return MonthRun(month, source)


def _firings(tx: sa.Connection, learner: str, after: datetime, until: datetime) -> Sequence[Firing]:
    return [
        Firing(at=one.at, kind=one.kind, effect=one.effect, reason=one.reason)
        for one in list_firings(tx, learner)
        if after < one.at <= until
    ]
