"""The cycles of a loop: their order, and who runs which."""

from datetime import timedelta
from pathlib import Path

from live_world import Ledger, Market, live_world
from pawl.jobs.live.composing import INLINE, ROLES, Parts, cycles_of, live_cycles
from pawl.jobs.live.cycle import Cycle
from pawl.triggers.schedule import Every


def test_every_cycle_has_a_role_and_stands_in_its_order(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    world = live_world(tmp_path, sqlite_ledger, Market())
    daily = Cycle(name="daily", schedule=Every(timedelta(days=1)), run=lambda at: {}, is_training=True)
    cycles = live_cycles(world, Parts(extra=(daily,)))
    assert [one.name for one in cycles_of("all", cycles)] == ["positions", "collection", "signals", "daily"]
    assert [one.name for one in cycles_of("worker", cycles)] == ["daily"]
    assert cycles_of("api", cycles) == ()
    parts = [name for role, names in ROLES.items() if role != "all" for name in names]
    assert sorted(parts) == sorted(ROLES["all"])  # each in one role, beside `all`
    trainings = {"trigger_training", "daily", "weekly", "monthly"}
    assert tuple(name for name in ROLES["all"] if name not in trainings) == INLINE
    by_name = {one.name: one for one in cycles}
    assert by_name["signals"].schedule == Every(world.learner.spec.timeframe.length)
    assert by_name["signals"].after == ("collection",)
