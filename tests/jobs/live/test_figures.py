"""What the ledger says of a loop that has run."""

from datetime import timedelta
from pathlib import Path

from ledger_world import START as LEDGER_START
from live_world import BAR, START, Ledger, Market, live_world, serve_version
from pawl.jobs.live.collecting import collect
from pawl.jobs.live.cycle_runs import schedule_of
from pawl.jobs.live.deciders import active_decides
from pawl.jobs.live.figures import loop_figures, span_figures
from pawl.jobs.live.signalling import SignalCycle
from pawl.jobs.live.watching_positions import watch_positions
from pawl.ledger.schedule_runs import take_up

AT = START + 10 * BAR


def test_decisions_outcomes_and_events_are_counted(ledger: Ledger, tmp_path: Path) -> None:
    market = Market()
    market.goes_on(["EURUSD"], range(10), step=-0.1)
    market.goes_on(["EURUSD"], range(10, 12), step=0.0)
    market.goes_on(["EURUSD"], range(12, 16), step=0.3)
    world = live_world(tmp_path, ledger, market)
    serve_version(world, "m002-1.0", LEDGER_START)
    cycle = SignalCycle(world, active_decides)
    for place in range(5):
        watch_positions(world, AT + place * BAR)
        collect(world, AT + place * BAR)
        cycle.run(AT + place * BAR)
    with ledger.transaction() as tx:
        name = schedule_of("m002", "signals")
        take_up(tx, name, AT, AT)
    with ledger.reading() as tx:
        now = loop_figures(tx, "m002", "15m", ["signals", "positions"], AT + 4 * BAR)
        later = loop_figures(tx, "m002", "15m", [], AT + timedelta(days=3))
        span = span_figures(tx, "m002", START, AT + 4 * BAR)
        before = span_figures(tx, "m002", START, AT - BAR)
    assert now.decisions == {("m002-1.0", "buy"): 1, ("m002-1.0", "sell"): 3, ("m002-1.0", "hold"): 1}
    assert now.hold_share == 0.2 and later.hold_share is None and later.decisions == {}
    assert now.newest_close == AT + 4 * BAR and now.ran_at == {"signals": AT}
    # The buy at 99.1 reaches its target with the jump to 103.6, which stops the sell at 100.0 out.
    assert span.outcomes == {"loss": 1, "win": 1} and now.pending == 2
    assert span.signals == {"buy": 1, "hold": 1, "sell": 3} and span.published == 0
    assert span.events == {"new_market_data": 5, "new_prediction": 5, "signal_outcome": 2}
    assert now.backlog == 13 and before.signals == before.events == {}
    assert span.moves == {} and now.trainings == {"succeeded": 1}
