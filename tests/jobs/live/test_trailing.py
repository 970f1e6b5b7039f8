"""The newest bars, however long the history is."""

from pathlib import Path

from live_world import BAR, START, Ledger, Market, live_world
from pawl.jobs.live.trailing import trailing_bars


def test_a_fixed_number_of_bars_that_had_closed(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    market = Market()
    market.goes_on(["A", "B"], range(300))
    world = live_world(tmp_path, sqlite_ledger, market, ("A", "B"))
    timeframe, at = world.learner.spec.timeframe, START + 300 * BAR
    for pair in ("A", "B"):
        page = market.page(pair, timeframe, START, at)
        world.workspace.silver.merge(page.bars, timeframe, world.calendar, source="test", now=at)
    found = trailing_bars(world, ["A", "B"], at - 10 * BAR, 200)
    assert found["ticker"].to_list() == ["A"] * 200 + ["B"] * 200
    assert found["available_at"].max() == at - 10 * BAR and found["ts"].min() == START + 90 * BAR
    assert trailing_bars(world, ["B"], START + 5 * BAR, 200).height == 5
