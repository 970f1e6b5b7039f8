"""What the ledger says of a loop that has run."""

from datetime import timedelta
from pathlib import Path

from ledger_world import START as LEDGER_START
from ledger_world import failed, promoted, trained, verdict
from live_world import BAR, START, Ledger, Market, live_world, serve_version
from pawl.ids import ModelVersion
from pawl.jobs.live.collecting import collect
from pawl.jobs.live.cycle_runs import schedule_of
from pawl.jobs.live.deciders import active_decides
from pawl.jobs.live.figures import loop_figures, span_figures
from pawl.jobs.live.signalling import SignalCycle
from pawl.jobs.live.watching_positions import watch_positions
from pawl.ledger.deployments import Move, promote
from pawl.ledger.evaluations import NewEvaluation, record_evaluation
from pawl.ledger.live_log import LiveEntry, log_live
from pawl.ledger.market_data import SeenBar, append_market_data
from pawl.ledger.schedule_runs import take_up
from pawl.ledger.signals import NewSignal, SignalOutcome, record_signals, resolve_signal
from pawl.ledger.train_jobs import STOPPED

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


def signal(version: str, minute: int, word: str, *, is_shadow: bool = False) -> NewSignal:
    bar = AT + timedelta(minutes=minute)
    return NewSignal(
        pair="EURUSD", timeframe="15m", bar_timestamp=bar, model_version=ModelVersion(version),
        learner=version.split("-")[0], signal=word, confidence=0.5, features_hash="f", trace_id=f"{version} {minute}",  # type: ignore[arg-type]
        is_shadow=is_shadow,
    )  # fmt: skip


def test_only_what_acts_of_this_learner_and_of_its_span_is_counted(ledger: Ledger) -> None:
    """Shadows, other learners and timeframes are none; the day begins behind its first instant, a span ends with its
    last.
    """
    day, tick = timedelta(days=1), timedelta(microseconds=1)
    won = SignalOutcome(outcome="win", pnl=0.001, source="virtual")
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        trained(tx, "m002-1.1")
        trained(tx, "reversal-3.3")
        for why in ("out of memory", STOPPED):
            failed(tx, "m002-1.2", why, LEDGER_START)
        first = NewEvaluation(version=ModelVersion("reversal-3.3"), baseline=None, verdict=verdict(is_first=True),
                              figures={})  # fmt: skip
        report = record_evaluation(tx, first, AT)
        promote(tx, first.version, report.eval_id, Move(by="test", reason="first", at=AT))
        for minute, at in ((0, AT), (1, AT + tick), (2, AT + day), (3, AT + day + tick)):
            mine, other = signal("m002-1.0", minute, "buy"), signal("reversal-3.3", minute, "sell")
            tried = signal("m002-1.1", minute, "sell", is_shadow=True)
            record_signals(tx, [mine, other, tried], at)
            if minute in (1, 2):
                for one in (mine, other, tried):
                    resolve_signal(tx, one.id, won, at)
        seen = {"pair": "EURUSD", "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 0.0, "indicators": {},
                "feature_set": "turns", "source": "test"}  # fmt: skip
        append_market_data(
            tx, [SeenBar(timeframe="15m", timestamp=AT, closed_at=AT + BAR, **seen),  # type: ignore[arg-type]
                 SeenBar(timeframe="1h", timestamp=AT, closed_at=AT + 4 * BAR, **seen)], AT + day,  # type: ignore[arg-type]
        )  # fmt: skip
        log_live(
            tx, [LiveEntry(learner="m002", at=AT, kind="training", name="full training", payload={"skipped": "x"})]
        )
    with ledger.reading() as tx:
        now = loop_figures(tx, "m002", "15m", [], AT + day)
        span = span_figures(tx, "m002", AT, AT + day)
        early = span_figures(tx, "m002", LEDGER_START - day, LEDGER_START + day)
        ours = span_figures(tx, "m002", AT - day, AT)
        theirs = span_figures(tx, "reversal", AT - day, AT)
    # What was given at the last instant counts, and what came after it too: nothing does on a clock that goes on.
    assert now.decisions == {("m002-1.0", "buy"): 3} and (now.pending, now.newest_close) == (2, AT + BAR)
    ended = {"succeeded": 2, "failed": 1, "stopped": 1}
    assert now.trainings == ended and now.learnt["full_skipped"] == 1 == sum(now.learnt.values())
    assert (span.signals, span.outcomes, span.moves) == ({"buy": 2}, {"win": 2}, {})
    assert (early.moves, early.trainings) == ({"promote": 1}, ended)
    assert (ours.moves, ours.signals) == ({}, {"buy": 1})
    assert (theirs.moves, theirs.signals) == ({"promote": 1}, {"sell": 1})
