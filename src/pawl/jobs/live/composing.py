"""The loop, put together: every cycle, when it runs, and which role runs it. The order is that of one instant.

A line here is a cycle: its run takes the instant it is due at, and says what it did.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from pawl.jobs.live.collecting import collect
from pawl.jobs.live.cycle import Cycle
from pawl.jobs.live.deciders import DecidersOf, active_decides
from pawl.jobs.live.lived_latencies import LivedMs
from pawl.jobs.live.signalling import SignalCycle
from pawl.jobs.live.watching_positions import watch_positions
from pawl.jobs.live.world import LiveWorld
from pawl.triggers.schedule import SCHEDULES, Every

__all__ = ["INLINE", "ROLES", "Parts", "cycles_of", "live_cycles"]

WORKER = ("rollouts", "triggers", "trigger_training", "trigger_worth", "daily", "weekly", "monthly")

ROLES: Mapping[str, tuple[str, ...]] = {
    "all": ("positions", "collection", "signals", *WORKER),
    "collector": ("collection",),
    "signals": ("signals",),
    "positions": ("positions",),
    "worker": WORKER,
    "api": (),
}
"""Role → the cycles that a process in it runs; the API is served by `all` and `api`."""

INLINE = ("positions", "collection", "signals", "rollouts", "triggers", "trigger_worth")
"""The cycles that the loop itself runs, in the order of one instant; the others are trainings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the loop is made of beside its own three cycles. deciders_of: who decides on a bar. extra: further cycles,
    in the order in which they run behind those of the same instant. stopwatch: seconds, to measure answers by; None on
    a clock on which nothing takes time. lived_ms: what the answers took, of a life that is played.
    """

    deciders_of: DecidersOf = active_decides
    extra: tuple[Cycle, ...] = ()
    stopwatch: Callable[[], float] | None = None
    lived_ms: LivedMs | None = None


def live_cycles(world: LiveWorld, parts: Parts) -> tuple[Cycle, ...]:
    """Every cycle of a learner's loop, in the order in which they run at one instant."""
    bar = Every(world.learner.spec.timeframe.length)
    signals = SignalCycle(world, parts.deciders_of, parts.stopwatch, parts.lived_ms)
    return (
        Cycle(name="positions", schedule=SCHEDULES["positions"], run=partial(watch_positions, world)),
        Cycle(name="collection", schedule=bar, run=partial(collect, world)),
        Cycle(name="signals", schedule=bar, run=signals.run, after=("collection",)),
        *parts.extra,
    )


def cycles_of(role: str, cycles: tuple[Cycle, ...]) -> tuple[Cycle, ...]:
    """The cycles that a role runs, in their order."""
    return tuple(one for one in cycles if one.name in ROLES[role])
