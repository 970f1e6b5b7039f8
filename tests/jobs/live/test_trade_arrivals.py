"""What users do with live signals over HTTP reaches the loop: once, whatever happens, and where it is the signal's."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from live_world import BAR
from pawl.jobs.live.trade_arrivals import TRADES, RecordedTrades, UsersTrades, take_up_trades
from pawl.jobs.live.watching_positions import watch_positions
from pawl.ledger.chain_check import check_chains
from pawl.ledger.database import Ledger
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.live_log import live_entries
from pawl.ledger.live_tables import trade_marks
from pawl.ledger.trade_tables import quick_trades
from tampering import tamper
from trade_world import AT, MINUTE, LiveService

TESTS = Path(__file__).parents[2]
LOOK = AT + 2 * MINUTE
"""The run behind what users do at AT + 1 minute."""


@pytest.fixture
def service(ledger: Ledger, tmp_path: Path) -> Iterator[LiveService]:
    with LiveService(ledger, tmp_path) as made:
        yield made


def heard(service: LiveService) -> list[tuple[datetime, int, int]]:
    """Of each entry of the log: its instant, and how many trades it says were opened and closed."""
    with service.ledger.reading() as tx:
        entries = live_entries(tx, "m002", "received", (TRADES,))
    return [(one.at, len(one.payload["opened"]), len(one.payload["closed"])) for one in entries]


def outcome(service: LiveService, pair: str = "EURUSD") -> tuple[Any, ...]:
    found = service.signal(pair)
    return found["actual_outcome"], found["outcome_source"], found["resolved_at"]


def test_rev_r9_a_trade_through_the_front_door_decides_its_signal(service: LiveService) -> None:
    """By hand: 1,000 at 99 are 10.10101 units; sold at 100 they bring 10.10101 and 0.5 of fees are paid: 9.60101 net,
    96.0101 bps of the notional, 0.9505 of the price for each unit.
    """
    trade = UUID(service.follows())
    assert watch_positions(service.live, LOOK) == {"trades_opened": 1}
    found = service.history()[trade]
    assert (found["user_id"], found["pair"], found["opened_at"], found["entry"]) == (
        service.user_id("ann"), "EURUSD", AT + MINUTE, 99.0,
    )  # fmt: skip
    assert found["signal_id"] == service.signal()["id"] and found["closed_at"] is found["exit"] is found["pnl"] is None
    (row,) = service.rows(quick_trades)
    assert row.trade_id == trade and row.is_followed  # the recommendation is read from the loop's own inference
    service.goes_on({"low": 98.0})
    assert watch_positions(service.live, AT + BAR) == {}  # the stop was touched, and the user holds on
    closed_at = service.moves_to(AT + BAR + MINUTE)
    answer = service.ends(str(trade), 100.0, fees=0.5)
    assert answer["pnl"] == pytest.approx(9.6010101, abs=1e-7)
    at = closed_at + MINUTE
    assert watch_positions(service.live, at) == {"trades_closed": 1, "resolved": 1, "real": 1}
    found, signal = service.history()[trade], service.signal()
    assert (found["closed_at"], found["exit"]) == (closed_at, 100.0)
    assert found["pnl"] == pytest.approx(0.9505)
    assert outcome(service) == ("win", "real", at)
    assert signal["actual_pnl"] == pytest.approx(0.00960101, abs=1e-8)
    assert signal["actual_pnl_percent"] == pytest.approx(0.960101, abs=1e-6)
    (told,) = service.announced("signal_outcome")
    assert (told["signal_id"], told["outcome_source"]) == (str(signal["id"]), "real")
    for later in (at, at + MINUTE, at + 9 * BAR):
        watch_positions(service.live, later)
    assert service.signal() == signal and service.history()[trade] == found
    assert heard(service) == [(LOOK, 1, 0), (at, 0, 1)]


def test_rev_r9_a_tracked_signal_that_becomes_a_trade_decides_it_too(service: LiveService) -> None:
    """A short: 500 at 101 sold, bought back at 102 with no fees: −1 of 101, −99.0099 bps."""
    body = {"ticker": "USDJPY", "direction": "short", "entry": 100.9, "inference_id": service.inference("USDJPY")}
    answer = service.post("/api/signals/track", body)
    assert watch_positions(service.live, LOOK) == {}  # to follow is not to trade
    service.later(minutes=2)
    path = f"/api/signals/{answer.json()['signal_id']}/convert"
    answer = service.post(path, {"size": 500.0, "entry_price": 101.0})
    assert answer.status_code == 201, answer.text
    trade = answer.json()["trade_id"]
    service.later(minutes=3)
    service.ends(trade, 102.0)
    at = service.at + MINUTE
    told = watch_positions(service.live, at)  # opened and closed between two looks
    assert told == {"trades_opened": 1, "trades_closed": 1, "resolved": 1, "real": 1}
    assert service.history()[UUID(trade)]["pnl"] == pytest.approx(-1.0)
    assert outcome(service, "USDJPY") == ("loss", "real", at)
    assert service.signal("USDJPY")["actual_pnl"] == pytest.approx(-1 / 101)
    assert outcome(service) == (None, None, None)


def test_rev_r9_of_several_users_the_first_to_close_decides(service: LiveService) -> None:
    trades = {user: service.follows(user) for user in ("ann", "bob")}
    service.later(minutes=1)
    service.ends(trades["bob"], 98.0, user="bob")
    service.later(seconds=1)
    service.ends(trades["ann"], 110.0)
    told = watch_positions(service.live, service.at + MINUTE)
    assert told == {"trades_opened": 2, "trades_closed": 2, "resolved": 1, "real": 1}
    assert service.signal()["actual_pnl"] == pytest.approx(-1 / 99)
    assert {row["user_id"] for row in service.history().values()} == set(map(service.user_id, ("ann", "bob")))


def test_a_trade_that_is_not_what_the_signal_said_is_no_result_of_it(service: LiveService) -> None:
    """The model is neither praised nor blamed for an override; the bars say what became of its signal."""
    named = service.inference()
    service.moves_to(AT - MINUTE)
    early = service.opened(ticker="EURUSD", side="long", inference_id=named)
    service.moves_to(AT + MINUTE)
    others = [
        service.follows(side="short"),
        service.opened(ticker="USDJPY", side="long", inference_id=named),
        service.opened(ticker="EURUSD", side="long", recommendation={"direction": "long"}),  # names no inference
    ]
    watch_positions(service.live, LOOK)
    service.goes_on({"high": 100.7})
    at = AT + BAR + MINUTE
    assert watch_positions(service.live, at) == {"resolved": 1}
    assert outcome(service) == ("win", "virtual", at)
    service.moves_to(at)
    late = service.follows()  # the signal has its outcome, and says nothing any more
    service.later(minutes=1)
    for trade in (early, *others, late):
        service.ends(trade, 90.0)
    told = watch_positions(service.live, service.at + MINUTE)
    assert told == {"trades_opened": 1, "trades_closed": 4}
    stand = service.history()
    assert set(stand) == {UUID(one) for one in (early, *others[:2], late)}
    assert {row["signal_id"] for row in stand.values()} == {None}
    assert all(row["closed_at"] is not None for row in stand.values())
    assert outcome(service) == ("win", "virtual", at)


def test_pass_r32_a_trade_on_a_shadow_is_no_result_of_it(ledger: Ledger, tmp_path: Path) -> None:
    """A shadow's signal is told to nobody; who guesses its name trades for himself. What acts for a share counts."""
    with LiveService(ledger, tmp_path, shadows=("m002-1.1",)) as service:
        acting, shadow = service.signal(), service.signal(version="m002-1.1")
        assert shadow["is_shadow"] and not acting["is_shadow"] and shadow["signal"] == acting["signal"] == "buy"
        assert {one["model_version"] for one in service.announced("new_prediction")} == {"m002-1.0"}
        trade = service.follows(inference_id=str(shadow["inference_id"]))
        service.later(minutes=1)
        service.ends(trade, 90.0)
        watch_positions(service.live, service.at + MINUTE)
        (row,) = service.history().values()
        assert row["signal_id"] is None and row["closed_at"] is not None
        assert service.signal(version="m002-1.1")["actual_outcome"] is None
        service.goes_on({"high": 100.7})
        watch_positions(service.live, AT + BAR)
        assert service.signal(version="m002-1.1")["outcome_source"] == "virtual"


def test_a_trade_that_rests_on_no_live_signal_leaves_nothing_here(service: LiveService) -> None:
    before = heard(service)
    service.ends(service.opened(), 101.0)
    assert watch_positions(service.live, LOOK) == {}
    assert service.history() == {} and heard(service) == before == []
    with service.ledger.reading() as tx:
        (mark,) = tx.execute(sa.select(trade_marks)).all()
        n_events = tx.execute(sa.select(sa.func.count()).select_from(event_outbox)).scalar_one()
    assert tuple(mark) == ("m002", "2026-03", n_events)


def test_what_was_read_before_is_read_again_and_changes_nothing(service: LiveService) -> None:
    """A mark that was lost costs time, and no more."""
    trade = service.follows()
    service.later(minutes=1)
    service.ends(trade, 100.0)
    at = service.at + MINUTE
    watch_positions(service.live, at)
    before = (service.history(), service.signal(), heard(service))
    with service.ledger.transaction() as tx:
        tx.execute(sa.delete(trade_marks))
    assert watch_positions(service.live, at) == {}
    assert (service.history(), service.signal(), heard(service)) == before
    with service.ledger.reading() as tx:
        assert not check_chains(tx).breaks


class StoppedError(Exception):
    """What is thrown at a statement."""


def test_a_run_that_fails_at_any_statement_has_heard_of_all_or_of_nothing(service: LiveService) -> None:
    trade = service.follows()
    service.later(seconds=1)
    service.ends(trade, 100.0)
    number = 0
    while True:
        number, left = number + 1, [number + 1]

        def count(*_: object, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise StoppedError

        event.listen(service.ledger.engine, "before_cursor_execute", count)
        try:
            watch_positions(service.live, LOOK)
            break
        except StoppedError:
            pass
        finally:
            event.remove(service.ledger.engine, "before_cursor_execute", count)
        assert len(service.history()) == len(heard(service)) in (0, 1)
        assert all(row["closed_at"] is not None for row in service.history().values())
    assert number >= 8  # each failure before the commit of what was heard, and each behind it
    assert outcome(service) == ("win", "real", LOOK) and heard(service) == [(LOOK, 1, 1)]
    assert len(service.announced("signal_outcome")) == 1


def test_kill_9_at_any_statement_loses_no_trade_and_makes_none_twice(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """Real processes, killed by the signal that nobody can catch, one behind the other at the same instant."""
    with LiveService(sqlite_ledger, tmp_path) as service:
        trade = service.follows()
        service.later(seconds=1)
        service.ends(trade, 100.0)
        killed = subprocess.run(
            [sys.executable, str(TESTS / "kill_trades.py"), str(tmp_path), "40", LOOK.isoformat()],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])},
            capture_output=True, text=True, timeout=120, check=True,
        ).stdout.split()  # fmt: skip
        signals = [int(one) for one in killed[1::2]]
        assert signals.index(0) >= 10 and set(signals[: signals.index(0)]) == {9}
        assert heard(service) == [(LOOK, 1, 1)] and outcome(service) == ("win", "real", LOOK)
        (row,) = service.history().values()
        assert row["pnl"] == pytest.approx(1.0) and len(service.announced("signal_outcome")) == 1


def test_at_the_turn_of_a_month_nothing_slips_between_two_chains(service: LiveService) -> None:
    """A server whose clock is behind writes into the old month when another has begun the new one."""
    named, late = service.inference(), datetime(2026, 4, 1, tzinfo=UTC)
    service.moves_to(late + timedelta(milliseconds=5))
    new = service.opened(ticker="EURUSD", side="long", inference_id=named)
    assert watch_positions(service.live, late) == {"trades_opened": 1}
    service.moves_to(late - timedelta(milliseconds=5))
    old = service.opened("bob", ticker="EURUSD", side="long", inference_id=named)
    service.moves_to(late + timedelta(milliseconds=6))
    service.ends(old, 101.0, user="bob")
    assert watch_positions(service.live, late + MINUTE) == {
        "trades_opened": 1, "trades_closed": 1, "resolved": 1, "real": 1,
    }  # fmt: skip
    assert set(service.history()) == {UUID(new), UUID(old)}
    with service.ledger.reading() as tx:
        assert sorted(tx.execute(sa.select(trade_marks.c.chain_month)).scalars()) == ["2026-03", "2026-04"]


def test_an_event_that_cannot_be_read_is_named_and_stops_nothing_else(service: LiveService) -> None:
    spoiled, sound = service.follows(), service.follows("bob")
    c = event_outbox.c
    with service.ledger.transaction() as tx:
        where = c.source_event_id == UUID(spoiled)
        payload = tx.execute(sa.select(c.payload).where(where)).scalar_one()
        assert tamper(tx, event_outbox, where, {"payload": {**payload, "version": 9}}) == 1
    told = watch_positions(service.live, LOOK)
    assert told["trades_opened"] == 1 and set(service.history()) == {UUID(sound)}
    (warning,) = told["warnings"]
    assert warning.endswith("cannot be read, and is no trade")


def test_a_loop_on_its_own_time_hears_of_a_trade_at_its_own_instant(service: LiveService) -> None:
    """`pawl up --data simulated`: the users' time of day says nothing there."""
    named, own = service.inference(), UsersTrades(is_own_time=True)
    service.moves_to(datetime(2030, 1, 1, tzinfo=UTC))
    trade = service.opened(ticker="EURUSD", side="long", entry_price=99.0, inference_id=named)
    take_up_trades(service.ledger, "m002", own, LOOK)
    service.later(days=9)
    service.ends(trade, 100.0)
    take_up_trades(service.ledger, "m002", own, LOOK + MINUTE)
    (row,) = service.history().values()
    assert (row["opened_at"], row["closed_at"]) == (LOOK, LOOK + MINUTE)
    assert row["signal_id"] == service.signal()["id"]
    assert watch_positions(service.live, LOOK + MINUTE) == {"resolved": 1, "real": 1}


def test_what_was_heard_is_heard_again_from_the_log(service: LiveService, empty_twin: Ledger, tmp_path: Path) -> None:
    """A life in which nobody acts, and which reads the log of this one, hears of the same at the same instants."""
    trade = service.follows()
    watch_positions(service.live, LOOK)
    service.later(minutes=5)
    service.ends(trade, 100.0)
    end = service.at + MINUTE
    watch_positions(service.live, end)
    with service.ledger.reading() as tx:
        recorded = RecordedTrades(tx, "m002")
    empty_twin.make_current()
    with LiveService(empty_twin, tmp_path / "twin") as twin:
        assert [take_up_trades(twin.ledger, "m002", recorded, at) for at in (AT, LOOK, LOOK, end)] == [
            {}, {"trades_opened": 1}, {}, {"trades_closed": 1},
        ]  # fmt: skip
        assert twin.history() == service.history() and heard(twin) == heard(service)


def test_learners_beside_each_other_each_hear_of_their_own(service: LiveService) -> None:
    service.follows()
    assert take_up_trades(service.ledger, "reversal", UsersTrades(), LOOK) == {}
    assert take_up_trades(service.ledger, "m002", UsersTrades(), LOOK) == {"trades_opened": 1}
