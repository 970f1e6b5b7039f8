"""The cycles of the triggers: asking, the training that firings wait for, and what it was worth."""

from datetime import time, timedelta
from functools import partial

from pawl.gates.sequence_config import SequenceSettings
from pawl.jobs.live.asking_triggers import ask_triggers
from pawl.jobs.live.cycle import Cycle
from pawl.jobs.live.feature_memory import FeatureMemory
from pawl.jobs.live.trigger_worth import measure_worth
from pawl.jobs.live.waiting_training import Train, train_waiting
from pawl.jobs.live.watched_world import WatchedWorld
from pawl.triggers.schedule import Daily, Every
from pawl.triggers.trigger_config import TriggerSettings

__all__ = ["trigger_cycles"]

HOURLY = Every(timedelta(hours=1))


def trigger_cycles(
    world: WatchedWorld, settings: TriggerSettings, sequence: SequenceSettings, train: Train
) -> tuple[Cycle, ...]:
    """In their order at one instant: they stand behind the cycles that collect and decide. train: a full training."""
    asking = partial(ask_triggers, world, settings=settings, memory=FeatureMemory())
    return (
        Cycle(name="triggers", schedule=HOURLY, run=asking, after=("positions", "collection", "signals")),
        Cycle(
            name="trigger_training",
            schedule=HOURLY,
            run=partial(train_waiting, world, train=train),
            is_training=True,
            after=("triggers",),
        ),
        Cycle(name="trigger_worth", schedule=Daily(time(6)), run=partial(measure_worth, world, settings=sequence)),
    )
