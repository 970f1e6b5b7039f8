"""Events of users' trades on live signals: each is read once, in its order, behind a mark."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from effort import plan_of, statements
from pawl.ledger.database import Ledger
from pawl.ledger.event_payloads import TradeAction, TradeClosed
from pawl.ledger.trade_events import NewTradeEvents, move_marks, new_trade_events
from trade_world import AT, LiveService


@pytest.fixture
def service(ledger: Ledger, tmp_path: Path) -> Iterator[LiveService]:
    with LiveService(ledger, tmp_path) as made:
        yield made


def read(service: LiveService, learner: str = "m002") -> NewTradeEvents:
    """What is new, and the mark behind it."""
    with service.ledger.reading() as tx:
        new = new_trade_events(tx, learner)
    with service.ledger.transaction() as tx:
        move_marks(tx, learner, new.marks)
    return new


def told(new: NewTradeEvents) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for one in new.events:
        assert isinstance(one.said, TradeAction | TradeClosed)
        found.append((one.said.trade_id, type(one.said).__name__))
    return found


def test_each_event_is_read_once_and_in_its_order(service: LiveService) -> None:
    first = service.follows()
    service.opened()  # rests on nothing
    service.tracked(ticker="EURUSD", inference_id=service.inference())  # is no trade
    second = service.follows("bob", side="short")
    new = read(service)
    assert told(new) == [(first, "TradeOpened"), (second, "TradeOpened")]
    assert [one.user_id for one in new.events] == [service.user_id("ann"), service.user_id("bob")]
    signal = service.signal()
    assert {(one.signal.id, one.signal.pair, one.signal.signal, one.signal.created_at) for one in new.events} == {
        (signal["id"], "EURUSD", "buy", AT)
    }
    assert read(service) == NewTradeEvents()
    service.ends(first, 100.0)
    service.ends(service.opened(), 100.0)
    third = service.follows()
    assert told(read(service)) == [(first, "TradeClosed"), (third, "TradeOpened")]


def test_what_is_new_has_a_key_that_grows(service: LiveService) -> None:
    keys = []
    for at in (AT, datetime(2026, 11, 9, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)):
        service.moves_to(at)
        for _ in range(11):
            service.follows()
            keys.append(read(service).key)
    assert keys == sorted(keys) and len(set(keys)) == 33


def test_nothing_new_costs_one_question_and_foreign_events_move_the_mark(service: LiveService) -> None:
    for _ in range(3):
        service.opened()
    new = read(service)
    assert new.events == () and set(new.marks) == {"2026-03"}
    with statements(service.ledger) as asked, service.ledger.reading() as tx:
        assert new_trade_events(tx, "m002") == NewTradeEvents()
    (question,) = [text for text, _ in asked if not text.startswith("BEGIN")]
    assert "chain_heads" in question


def test_each_learner_has_a_mark_of_its_own(service: LiveService) -> None:
    service.follows()
    assert read(service, "reversal").events == ()
    assert len(read(service).events) == 1


def test_the_chain_is_followed_by_its_index(service: LiveService) -> None:
    """A look must not read every event of the month."""
    service.follows()
    with service.ledger.reading() as tx:
        with statements(service.ledger) as asked:
            new_trade_events(tx, "m002")
        plan = plan_of(tx, *asked[-1])
    assert any("uq_passport_event_outbox_place" in line for line in plan), plan
    assert any("ix_trading_signals_trace_id" in line for line in plan), plan
