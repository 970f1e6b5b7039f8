"""A recorded run is played in its order; whole lives: tests/cli/test_relive.py and tests/cli/test_relived_world.py."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from live_world import BAR, START, Ledger, Market, live_world
from pawl.jobs.live.cycle import Cycle, Told
from pawl.jobs.live.driver import Observed
from pawl.jobs.live.loop_place import LoopPlace
from pawl.jobs.live.playing import play
from pawl.jobs.live.recorded_run import ACT, STARTS, TAKES_EFFECT, Effect, RecordedRun
from pawl.jobs.live.turn import Turn
from pawl.ledger.live_log import LiveEntry
from pawl.triggers.schedule import Every

HOUR = timedelta(hours=1)


def effect(kind: int, name: str, n_bars: int, cycle: int) -> Effect:
    entry = LiveEntry(learner="m002", at=START + BAR, kind="training", name=name, payload={})
    return Effect(place=LoopPlace(at=START + n_bars * BAR, cycle=cycle, number=0), kind=kind, entry=entry)


def test_a_training_reads_where_it_began_and_acts_where_it_took_effect(tmp_path: Path) -> None:
    happened: list[str] = []
    turn = Turn()

    def inline(name: str) -> Callable[..., Told]:
        def run(at: datetime) -> Told:
            happened.append(f"{name} {(at - START) // BAR}")
            return {}

        return run

    def training(at: datetime) -> Told:
        happened.append("reads")
        turn.take()
        happened.append("acts")
        return {}

    ledger = Ledger.open(tmp_path)
    cycles = [
        Cycle(name="positions", schedule=Every(BAR), run=inline("positions")),
        Cycle(name="signals", schedule=Every(BAR), run=inline("signals")),
        Cycle(name="weekly", schedule=Every(HOUR), run=training, is_training=True),
    ]
    recorded = RecordedRun(
        learner="m002",
        prepared_at=START,
        since=START,
        until=LoopPlace(at=START + 5 * BAR, cycle=0, number=0),
        skips={"positions": [(START + 3 * BAR, 1)]},
        effects=(
            effect(STARTS, "weekly", 1, 0),
            effect(ACT, "pause", 1, 2),
            effect(TAKES_EFFECT, "weekly", 3, 2),
            effect(ACT, "resume", 5, 0),
        ),
        chosen={},
    )
    world = live_world(tmp_path, ledger, Market())
    play(world, recorded, cycles, turn, lambda act: happened.append(act.name), Observed())
    assert happened == [
        "positions 1", "reads", "signals 1", "pause",
        "signals 2",
        "positions 3", "signals 3", "acts",
        "positions 4", "signals 4",
        "positions 5", "resume",
    ]  # fmt: skip
