"""The position cycle: every open signal is resolved once, by a trade where there is one, else by the bars."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from ledger_world import START as LEDGER_START
from ledger_world import USER
from live_world import BAR, START, Ledger, Market, bar, live_world, serve_version
from pawl.ids import ModelVersion
from pawl.jobs.live.collecting import collect
from pawl.jobs.live.deciders import active_decides
from pawl.jobs.live.signalling import SignalCycle
from pawl.jobs.live.stage_rows import stage_rows
from pawl.jobs.live.watching_positions import watch_positions
from pawl.jobs.live.world import LiveWorld
from pawl.ledger.decision_tables import decision_trajectories
from pawl.ledger.identity import identity
from pawl.ledger.loop_tables import loop_outbox
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.user_trades import OpenedTrade, close_trade, open_trade

AT = START + 10 * BAR
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture
def market() -> Market:
    """Ten bars that fall to 99.1."""
    made = Market()
    made.goes_on(["EURUSD"], range(10), step=-0.1)
    return made


@pytest.fixture
def world(ledger: Ledger, tmp_path: Path, market: Market) -> LiveWorld:
    """A loop with an open buy at 99.1, ATR 1: target 100.6, stop 98.1, four bars."""
    made = live_world(tmp_path, ledger, market)
    serve_version(made, "m002-1.0", LEDGER_START)
    collect(made, AT)
    SignalCycle(made, active_decides).run(AT)
    return made


def goes_on(world: LiveWorld, market: Market, bars: Sequence[dict[str, float]]) -> None:
    """More bars behind the signal's, collected one by one and not decided on."""
    for place, values in enumerate(bars, start=10):
        market.bars.append({**bar("EURUSD", place, 99.1), **values})
        collect(world, START + (place + 1) * BAR)


def row(world: LiveWorld) -> sa.RowMapping:
    with world.ledger.reading() as tx:
        return tx.execute(sa.select(trading_signals).order_by(trading_signals.c.created_at)).mappings().all()[0]


def told_of(world: LiveWorld) -> list[dict[str, object]]:
    with world.ledger.reading() as tx:
        chosen = sa.select(loop_outbox.c.payload).where(loop_outbox.c.topic == "signal_outcome")
        return list(tx.execute(chosen.order_by(loop_outbox.c.number)).scalars())


def virtual(found: sa.RowMapping) -> tuple[object, object, object]:
    return found["virtual_outcome"], found["virtual_pnl"], found["virtual_at"]


def opened(world: LiveWorld, signal_id: UUID) -> UUID:
    """A trade of a user on a signal, at 99."""
    trade = OpenedTrade(
        id=identity("trade", signal_id), user_id=USER, pair="EURUSD", opened_at=AT, entry=99.0, signal_id=signal_id
    )
    with world.ledger.transaction() as tx:
        assert open_trade(tx, trade, AT)
    return trade.id


def closed(world: LiveWorld, trade_id: UUID, at: datetime, exit_price: float, pnl_bps: float) -> None:
    """Its end."""
    with world.ledger.transaction() as tx:
        assert close_trade(tx, trade_id, at, exit_price, pnl_bps)


def test_rev_r7_a_target_sets_the_outcome_and_is_told_of_once(world: LiveWorld, market: Market) -> None:
    goes_on(world, market, [{}, {"high": 100.7}])
    assert watch_positions(world, AT + BAR + MINUTE) == {}
    at = AT + 2 * BAR + MINUTE
    assert watch_positions(world, at) == {"resolved": 1}
    for later in (at, at + MINUTE, at + 9 * BAR):
        assert watch_positions(world, later) == {}
    found = row(world)
    assert (found["actual_outcome"], found["outcome_source"], found["resolved_at"]) == ("win", "virtual", at)
    assert found["actual_pnl"] == pytest.approx(1.5 / 99.1)
    assert found["actual_pnl_percent"] == pytest.approx(150 / 99.1)
    (event,) = told_of(world)
    assert event["signal_id"] == str(found["id"]) and event["actual_outcome"] == "win"


def test_rev_r7_a_stop_sets_the_outcome(world: LiveWorld, market: Market) -> None:
    goes_on(world, market, [{"low": 98.0}])
    watch_positions(world, AT + BAR + MINUTE)
    assert row(world)["actual_outcome"] == "loss"
    assert row(world)["actual_pnl"] == pytest.approx(-1 / 99.1)


def test_rev_r8_both_barriers_in_one_bar_resolve_to_the_adverse_one(world: LiveWorld, market: Market) -> None:
    goes_on(world, market, [{"low": 98.0, "high": 101.0}])
    watch_positions(world, AT + BAR + MINUTE)
    assert row(world)["actual_outcome"] == "loss"


def test_a_touch_between_two_looks_is_not_missed(world: LiveWorld, market: Market) -> None:
    """The bar that touched came and went while nobody looked: its high tells."""
    goes_on(world, market, [{"high": 100.7}, {}, {}])
    watch_positions(world, AT + 3 * BAR)
    assert row(world)["actual_outcome"] == "win"


def test_a_bar_that_has_not_closed_resolves_nothing(world: LiveWorld, market: Market) -> None:
    goes_on(world, market, [{"high": 100.7}])
    assert watch_positions(world, AT + BAR - MINUTE) == {}


def test_rev_r9_a_signal_without_a_trade_expires_virtually(world: LiveWorld, market: Market) -> None:
    goes_on(world, market, [{}] * 3)
    assert watch_positions(world, AT + 3 * BAR) == {}
    goes_on_further = {**bar("EURUSD", 13, 99.1), "close": 99.3}
    market.bars.append(goes_on_further)
    collect(world, AT + 4 * BAR)
    watch_positions(world, AT + 4 * BAR)
    found = row(world)
    assert (found["actual_outcome"], found["outcome_source"]) == ("expired", "virtual")
    assert found["actual_pnl"] == pytest.approx(0.2 / 99.1)


def test_rev_r9_a_trade_decides_and_no_bar_overwrites_it(world: LiveWorld, market: Market) -> None:
    which = row(world)["id"]
    trade = opened(world, which)
    goes_on(world, market, [{"low": 98.0}])
    assert watch_positions(world, AT + BAR) == {}  # the stop was touched, and the user holds on
    bars_say = virtual(row(world))
    assert (row(world)["actual_outcome"], bars_say) == (None, ("loss", pytest.approx(-1 / 99.1), AT + BAR))
    closed(world, trade, AT + BAR + MINUTE, 100.0, 90.0)
    at = AT + BAR + 2 * MINUTE
    assert watch_positions(world, at) == {"resolved": 1, "real": 1}
    found = row(world)
    assert virtual(found) == bars_say
    assert (found["actual_outcome"], found["outcome_source"]) == ("win", "real")
    assert found["actual_pnl"] == pytest.approx(0.009)
    assert watch_positions(world, at + 9 * BAR) == {}
    assert row(world) == found and len(told_of(world)) == 1


def test_rev_r9_a_trade_that_stays_open_keeps_nobody_waiting_longer_than_a_day(
    world: LiveWorld, market: Market
) -> None:
    """Else a user who never closes would blind every test and guard-rail; the close, when it comes, still decides."""
    trade = opened(world, row(world)["id"])
    goes_on(world, market, [{"low": 98.0}])
    assert watch_positions(world, AT + DAY - MINUTE) == {}
    assert watch_positions(world, AT + DAY) == {"resolved": 1}
    assert (row(world)["outcome_source"], row(world)["actual_outcome"]) == ("virtual", "loss")
    at = AT + 3 * DAY
    closed(world, trade, at, 100.0, 90.0)
    assert watch_positions(world, at) == {"resolved": 1, "real": 1}
    assert (row(world)["outcome_source"], row(world)["actual_outcome"]) == ("real", "win")


def test_versions_are_compared_on_what_the_bars_say_whoever_trades(world: LiveWorld, market: Market) -> None:
    """A user who leaves before the target: the outcome is the user's, and the version's is the target."""
    which = row(world)["id"]
    closed(world, opened(world, which), AT + MINUTE, 98.5, -60.0)
    assert watch_positions(world, AT + MINUTE) == {"resolved": 1, "real": 1}
    assert virtual(row(world)) == (None, None, None)
    goes_on(world, market, [{"high": 100.7}])
    assert watch_positions(world, AT + BAR) == {}
    found = row(world)
    assert (found["actual_pnl"], found["outcome_source"]) == (pytest.approx(-0.006), "real")
    assert virtual(found) == ("win", pytest.approx(1.5 / 99.1), AT + BAR)
    with world.ledger.reading() as tx:
        stage = stage_rows(tx, world.name, (ModelVersion("m002-1.0"),), LEDGER_START, AT + BAR)
    mine = stage.filter(signal="buy").row(0, named=True)
    assert (mine["actual_outcome"], mine["actual_pnl"], mine["resolved_at"]) == virtual(found)
    assert len(told_of(world)) == 1


def test_a_trade_that_is_told_of_later_takes_the_place_of_what_the_bars_said(world: LiveWorld, market: Market) -> None:
    goes_on(world, market, [{"low": 98.0}])
    watch_positions(world, AT + BAR)
    assert row(world)["outcome_source"] == "virtual"
    closed(world, opened(world, row(world)["id"]), AT + BAR, 99.0, 0.0)
    watch_positions(world, AT + BAR + MINUTE)
    found = row(world)
    assert (found["actual_outcome"], found["outcome_source"]) == ("breakeven", "real")
    assert [one["outcome_source"] for one in told_of(world)] == ["virtual", "real"]
    assert watch_positions(world, AT + 2 * BAR) == {}


def test_the_outcome_stands_beside_the_decision(world: LiveWorld, market: Market) -> None:
    goes_on(world, market, [{"high": 100.7}])
    watch_positions(world, AT + BAR)
    with world.ledger.reading() as tx:
        told = tx.execute(sa.select(decision_trajectories.c.outcome_features)).scalar_one()
    assert told["outcome"] == "win" and told["source"] == "virtual"
