"""What answers took, by version and run."""

from pathlib import Path

from live_world import BAR, START, Ledger, Market, live_world, serve_version
from pawl.jobs.live.collecting import collect
from pawl.jobs.live.deciders import active_decides
from pawl.jobs.live.lived_latencies import lived_ms
from pawl.jobs.live.signalling import SignalCycle


def test_a_run_that_is_played_takes_what_it_took_when_it_was_lived(tmp_path: Path, ledger: Ledger) -> None:
    source = Market()
    source.goes_on(["EURUSD"], range(-30, 3))
    world = live_world(tmp_path, ledger, source)
    serve_version(world, "m002-1.0", START)
    times = iter((0.0, 0.123))
    at = START + 2 * BAR
    collect(world, at)
    SignalCycle(world, active_decides, lambda: next(times)).run(at)
    with ledger.reading() as tx:
        took = lived_ms(tx, "m002")
        assert lived_ms(tx, "reversal") == {}
    assert took == {("m002-1.0", at): 123}
    later = at + BAR
    collect(world, later)
    SignalCycle(world, active_decides, None, {("m002-1.0", later): 77}).run(later)  # type: ignore[dict-item]
    with ledger.reading() as tx:
        assert lived_ms(tx, "m002")["m002-1.0", later] == 77  # type: ignore[index]
