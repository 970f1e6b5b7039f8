"""A recorded run, played: the same runs at the same instants, and every training and act where it took effect."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pawl.jobs.live.clock import VirtualClock
from pawl.jobs.live.composing import INLINE
from pawl.jobs.live.cycle import Cycle
from pawl.jobs.live.cycle_runs import CycleRuns
from pawl.jobs.live.driver import Driver, Observed, Rules
from pawl.jobs.live.lease import Lease
from pawl.jobs.live.loop_place import LoopPlace
from pawl.jobs.live.recorded_run import ACT, STARTS, Effect, RecordedRun
from pawl.jobs.live.turn import Turn
from pawl.jobs.live.watch import Run
from pawl.jobs.live.world import LiveWorld
from pawl.ledger.live_log import LiveEntry

__all__ = ["play"]

FOR_EVER = timedelta(days=36500)


def play(
    world: LiveWorld,
    recorded: RecordedRun,
    cycles: Sequence[Cycle],
    turn: Turn,
    do_again: Callable[[LiveEntry], None],
    observed: Observed,
) -> None:
    """Live a recorded run again, in a world that was prepared as that one was. turn: that the trainings among the
    cycles take. do_again: does an act. Whatever an act or a training of the driver raises ends it.
    """
    clock = VirtualClock(recorded.since)
    trainings = {one.name: one for one in cycles if one.is_training}
    inline = [one for one in cycles if not one.is_training]
    runs = CycleRuns(world.ledger, world.name, clock, turn)
    player = _Player(
        effects=deque(recorded.effects),
        until=recorded.until,
        trainings=trainings,
        runs=runs,
        turn=turn,
        do_again=do_again,
        observed=observed,
    )
    rules = Rules(learner=world.name, beside=False, gap=FOR_EVER, turn=turn, skips=recorded.skips)
    with Lease(world.ledger, world.workspace.home, f"live {world.name} all") as lease, turn.of_the_loop():
        driver = Driver(world.ledger, lease, inline, clock, rules, player)
        try:
            driver.run(recorded.since, recorded.until.at, threading.Event())
        except _ReachedError:
            pass
        player.play_before(LoopPlace(at=recorded.until.at, cycle=len(INLINE) + 1, number=0))


class _ReachedError(Exception):
    """The recorded run came no further."""


@dataclass(slots=True, kw_only=True)
class _Training:
    """One that has begun. failure: what it raised."""

    thread: threading.Thread
    failure: list[BaseException] = field(default_factory=list)


@dataclass(kw_only=True)
class _Player(Observed):
    """Hears of every run before it is made, and lets take effect what did so before it."""

    effects: deque[Effect]
    until: LoopPlace
    trainings: dict[str, Cycle]
    runs: CycleRuns
    turn: Turn
    do_again: Callable[[LiveEntry], None]
    observed: Observed
    under_way: _Training | None = None

    def begins(self, cycle: str, at: datetime) -> None:
        """What came before this run takes effect."""
        place = LoopPlace(at=at, cycle=INLINE.index(cycle), number=-1)
        self.play_before(place)
        if (place.at, place.cycle) > (self.until.at, self.until.cycle):
            raise _ReachedError
        self.observed.begins(cycle, at)

    def ended(self, run: Run) -> None:
        """Told on."""
        self.observed.ended(run)

    def play_before(self, place: LoopPlace) -> None:
        """Play what took effect behind the runs before a place."""
        while self.effects and self.effects[0].place < place:
            effect = self.effects.popleft()
            if effect.kind == ACT:
                self.do_again(effect.entry)
            elif effect.kind == STARTS:
                self._start(effect.entry)
            else:
                self._take_effect()

    def _start(self, entry: LiveEntry) -> None:
        """Begin a training beside the loop, and wait until it has all but its effects."""
        cycle, failure = self.trainings[entry.name], list[BaseException]()

        def made() -> None:
            try:
                self.runs.made(cycle, entry.at, entry.payload.get("missed", 0))
            except BaseException as error:  # noqa: BLE001 - raised again in the loop's thread
                failure.append(error)

        self.observed.begins(entry.name, entry.at)
        thread = threading.Thread(target=made, name="pawl-training", daemon=True)
        thread.start()
        self.turn.until_wanted(thread)
        self.under_way = _Training(thread=thread, failure=failure)

    def _take_effect(self) -> None:
        training, self.under_way = self.under_way, None
        assert training is not None
        self.turn.give_way(training.thread)
        if training.failure:
            raise training.failure[0]
