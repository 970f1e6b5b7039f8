"""The signal cycle: the newest closed bar of each pair is decided on once, by whoever is to decide."""

from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from ledger_world import START as LEDGER_START
from live_world import BAR, START, Ledger, Market, bar, live_world, serve_version
from pawl.ids import ModelVersion
from pawl.jobs.live.collecting import collect
from pawl.jobs.live.deciders import Chosen, active_decides
from pawl.jobs.live.journal import Span, begin_span
from pawl.jobs.live.signalling import PASSED_OVER, SignalCycle
from pawl.jobs.live.world import LiveWorld
from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.chain_check import check_chains
from pawl.ledger.column_types import utc_text
from pawl.ledger.decision_tables import decision_trajectories, inference_logs
from pawl.ledger.identity import identity
from pawl.ledger.inferences import trace
from pawl.ledger.live_log import live_entries
from pawl.ledger.loop_tables import loop_outbox
from pawl.ledger.signal_tables import trading_signals

PAIRS = ("EURUSD", "USDJPY")
AT = START + 10 * BAR


@pytest.fixture
def market() -> Market:
    """Ten bars of a pair that falls and of one that rises."""
    made = Market()
    made.goes_on(["EURUSD"], range(10), step=-0.1)
    made.goes_on(["USDJPY"], range(10), step=0.1)
    return made


@pytest.fixture
def world(ledger: Ledger, tmp_path: Path, market: Market) -> LiveWorld:
    """A loop on them, with a version that serves, and what closed collected."""
    made = live_world(tmp_path, ledger, market, PAIRS)
    serve_version(made, "m002-1.0", LEDGER_START)
    collect(made, AT)
    return made


class Fixed:
    """Deciders that were set by hand."""

    def __init__(self, chosen: Chosen) -> None:
        self.chosen = chosen

    def of(self, pair: str, timeframe: str, bar_timestamp: datetime) -> Chosen:
        return self.chosen


def signals(world: LiveWorld) -> list[sa.RowMapping]:
    with world.ledger.reading() as tx:
        order = (trading_signals.c.bar_timestamp, trading_signals.c.pair, trading_signals.c.model_version)
        return list(tx.execute(sa.select(trading_signals).order_by(*order)).mappings())


def count(world: LiveWorld, table: sa.Table) -> int:
    with world.ledger.reading() as tx:
        return tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def told_of(world: LiveWorld) -> list[dict[str, object]]:
    with world.ledger.reading() as tx:
        chosen = sa.select(loop_outbox.c.payload).where(loop_outbox.c.topic == "new_prediction")
        return list(tx.execute(chosen.order_by(loop_outbox.c.number)).scalars())


def test_rev_r5_a_signal_is_on_the_newest_bar_that_had_closed(world: LiveWorld) -> None:
    told = SignalCycle(world, active_decides).run(AT)
    assert told == {"signals": 2, "buy": 1, "sell": 1, "ids": [str(row["id"]) for row in signals(world)]}
    assert [(row["pair"], row["signal"], row["bar_timestamp"]) for row in signals(world)] == [
        ("EURUSD", "buy", AT - BAR),
        ("USDJPY", "sell", AT - BAR),
    ]
    row = signals(world)[0]
    assert row["created_at"] == AT and row["entry_price"] == 99.1 and row["atr"] == 1.0


def test_what_a_trade_on_a_signal_has_to_name_is_told_with_it(world: LiveWorld) -> None:
    SignalCycle(world, active_decides).run(AT)
    assert [one["inference_id"] for one in told_of(world)] == [str(row["inference_id"]) for row in signals(world)]


def test_rev_r5_what_opened_at_the_instant_is_not_read(world: LiveWorld, market: Market) -> None:
    """A bar that has not closed would turn the answer, were it read; the store refuses it, and so does the cycle."""
    market.bars.append(bar("EURUSD", 10, 500.0))
    collect(world, AT)
    later = START + 11 * BAR
    world.workspace.silver.merge(
        market.page("EURUSD", world.learner.spec.timeframe, START, later).bars,
        world.learner.spec.timeframe, world.calendar, source="ahead", now=later,
    )  # fmt: skip
    SignalCycle(world, active_decides).run(AT)
    assert [row["signal"] for row in signals(world) if row["pair"] == "EURUSD"] == ["buy"]


def test_rev_r28_version_test_and_features_are_kept_with_each_signal(world: LiveWorld) -> None:
    serve_version(world, "m002-1.1", LEDGER_START)
    test = identity("ab_test", 1)
    with world.ledger.transaction() as tx:
        row = {"id": test, "test_name": "t", "model_a_version": "m002-1.0", "model_b_version": "m002-1.1",
               "start_date": START, "learner": "m002"}  # fmt: skip
        tx.execute(sa.insert(ab_tests).values(row))
    chosen = Chosen(acting=ModelVersion("m002-1.1"), shadows=(ModelVersion("m002-1.0"),), ab_test_id=test)
    told = SignalCycle(world, lambda tx, learner: Fixed(chosen)).run(AT)
    assert told["signals"] == 2 and told["shadow"] == 2
    by = {(row["pair"], row["model_version"]): row for row in signals(world)}
    assert by["EURUSD", "m002-1.1"]["ab_test_id"] == test and not by["EURUSD", "m002-1.1"]["is_shadow"]
    assert by["EURUSD", "m002-1.0"]["ab_test_id"] is None and by["EURUSD", "m002-1.0"]["is_shadow"]
    assert len({row["features_hash"] for row in signals(world)}) == 2
    assert [one["model_version"] for one in told_of(world)] == ["m002-1.1"] * 2
    assert count(world, inference_logs) == 4 and count(world, decision_trajectories) == 2


def test_rev_r29_without_an_active_version_there_is_an_error_and_no_signal(
    ledger: Ledger, tmp_path: Path, market: Market
) -> None:
    world = live_world(tmp_path, ledger, market, PAIRS)
    collect(world, AT)
    told = SignalCycle(world, active_decides).run(AT)
    assert "no version of `m002` is active" in str(told["warnings"])
    assert signals(world) == [] and told_of(world) == []
    with world.ledger.reading() as tx:
        assert any("no version" in str(one.payload.get("text")) for one in live_entries(tx, "m002"))


def test_the_latency_of_an_answer_is_measured_by_the_stopwatch_and_is_0_without_one(world: LiveWorld) -> None:
    """What the guard-rail on latency sees; loading a model is no answer's latency, and a replay measures nothing."""
    serve_version(world, "m002-1.1", LEDGER_START)
    chosen = Chosen(acting=ModelVersion("m002-1.0"), shadows=(ModelVersion("m002-1.1"),), ab_test_id=None)
    seconds = iter((1.0, 1.25, 7.0, 7.0625))
    SignalCycle(world, lambda tx, learner: Fixed(chosen), lambda: next(seconds)).run(AT)
    with world.ledger.reading() as tx:
        c = inference_logs.c
        found = {version: took_ms for version, took_ms in tx.execute(sa.select(c.model_version, c.latency_ms))}
    assert found == {"m002-1.0": 250, "m002-1.1": 62} and next(seconds, None) is None


def test_without_a_stopwatch_no_latency_is_said(world: LiveWorld) -> None:
    SignalCycle(world, active_decides).run(AT)
    with world.ledger.reading() as tx:
        assert set(tx.execute(sa.select(inference_logs.c.latency_ms)).scalars()) == {0}


def test_what_fails_at_every_bar_is_announced_once_a_day(ledger: Ledger, tmp_path: Path, market: Market) -> None:
    world = live_world(tmp_path, ledger, market, PAIRS)
    collect(world, AT)
    for quarter in range(2):
        SignalCycle(world, active_decides).run(AT + quarter * BAR)
    with world.ledger.reading() as tx:
        chosen = sa.select(loop_outbox.c.payload).where(loop_outbox.c.topic == "alert")
        told = list(tx.execute(chosen).scalars())
        assert len([one for one in live_entries(tx, "m002") if one.name == "alert data_anomaly"]) == 2
    assert [one["kind"] for one in told] == ["data_anomaly"] and "no version" in told[0]["text"]


def test_rev_r29_without_a_test_the_active_version_decides(world: LiveWorld) -> None:
    SignalCycle(world, active_decides).run(AT)
    assert {(row["model_version"], row["ab_test_id"]) for row in signals(world)} == {("m002-1.0", None)}


def test_the_same_bar_again_gives_the_same_rows(world: LiveWorld) -> None:
    SignalCycle(world, active_decides).run(AT)
    before, events = signals(world), told_of(world)
    for at in (AT, AT + BAR):  # a retry, and a turn in which no bar came
        SignalCycle(world, active_decides).run(at)
    assert signals(world) == before and told_of(world) == events
    assert count(world, inference_logs) == count(world, decision_trajectories) == 2


def test_a_model_that_fails_gives_no_signal_and_never_an_old_one(world: LiveWorld, market: Market) -> None:
    SignalCycle(world, active_decides).run(AT)
    serve_version(world, "m002-1.1", LEDGER_START, {"fails": True})
    market.goes_on(["EURUSD"], range(10, 11), step=-0.1)
    collect(world, AT + BAR)
    chosen = Chosen(acting=ModelVersion("m002-1.1"), shadows=(ModelVersion("m002-1.0"),))
    told = SignalCycle(world, lambda tx, learner: Fixed(chosen)).run(AT + BAR)
    assert "ValueError: the model is spoiled" in str(told["warnings"])
    of_bar = [row for row in signals(world) if row["bar_timestamp"] == AT]
    assert [(row["model_version"], row["is_shadow"]) for row in of_bar] == [("m002-1.0", True)]
    assert len(told_of(world)) == 2
    with world.ledger.reading() as tx:
        assert any("m002-1.1 failed" in str(one.payload.get("text")) for one in live_entries(tx, "m002"))


def test_a_bar_that_is_too_old_gets_no_signal(world: LiveWorld) -> None:
    assert SignalCycle(world, active_decides).run(AT + 3 * BAR) == {"stale": 2}
    assert signals(world) == []
    assert SignalCycle(world, active_decides).run(AT + 2 * BAR)["signals"] == 2


def test_a_bar_that_newer_ones_have_overtaken_is_named_once(world: LiveWorld, market: Market) -> None:
    """As after a source that gave no answer for a while: of the bars that come together, the newest is decided on."""
    cycle = SignalCycle(world, active_decides)
    assert "passed_over" not in cycle.run(AT)
    market.goes_on(["EURUSD"], range(10, 13), step=-0.1)
    market.goes_on(["USDJPY"], range(10, 11), step=0.1)
    collect(world, AT + 3 * BAR)
    later = AT + 3 * BAR
    told = cycle.run(later)
    assert (told["signals"], told["passed_over"], "stale" in told) == (2, 2, False)
    assert "passed_over" not in cycle.run(later)
    with world.ledger.reading() as tx:
        (entry,) = [one for one in live_entries(tx, "m002", "cycle") if one.name == PASSED_OVER]
    assert entry.at == later
    assert entry.payload == {"EURUSD": {"from": utc_text(AT), "to": utc_text(AT + BAR), "bars": 2}}


def test_bars_that_closed_before_anybody_decided_are_named_too(world: LiveWorld) -> None:
    """As when the collector runs for a while before the process that decides."""
    span = Span(since=AT - 3 * BAR, length=None, speed=None, began=AT)
    with world.ledger.transaction() as tx:
        begin_span(tx, "m002", [], span)
    told = SignalCycle(world, active_decides).run(AT)
    assert (told["signals"], told["passed_over"]) == (2, 4)  # of the three that have closed since, the last is decided
    with world.ledger.reading() as tx:
        (entry,) = [one for one in live_entries(tx, "m002", "cycle") if one.name == PASSED_OVER]
    assert entry.payload["EURUSD"] == {"from": utc_text(AT - 3 * BAR), "to": utc_text(AT - 2 * BAR), "bars": 2}


def test_every_signal_leads_back_to_its_version_and_the_chains_hold(world: LiveWorld) -> None:
    SignalCycle(world, active_decides).run(AT)
    row = signals(world)[0]
    with world.ledger.reading() as tx:
        lineage = trace(tx, row["trace_id"])
    assert lineage.model_version == "m002-1.0" and lineage.inference_id == row["inference_id"]
    assert lineage.source_event_id == row["id"] and isinstance(lineage.trajectory_id, UUID)
    assert lineage.decision is not None and lineage.decision["action"] == "long"
    with world.ledger.reading() as tx:
        assert not check_chains(tx).breaks
