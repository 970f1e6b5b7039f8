"""What an action that follows needs to know of the one before."""

from uuid import UUID

import pytest

from pawl.errors import NotFoundError
from pawl.ledger.event_payloads import SignalConverted, TradeOpened
from pawl.ledger.identity import identity
from pawl.serving.opened_trades import is_written, opened_trade, signal_of
from serving_world import CONVERT, NOW, World


def test_a_converted_trade_leads_back_to_its_signals_decision(world: World) -> None:
    signal_id = world.tracked(decision_price=99.5, entry=100.0)
    world.later(minutes=5)
    answer = world.post(f"/api/signals/{signal_id}/convert", CONVERT).json()
    ann = world.user_id("ann")
    with world.ledger.reading() as tx:
        signal = signal_of(tx, UUID(signal_id), ann)
        trade = opened_trade(tx, UUID(answer["trade_id"]), ann)
        assert is_written(tx, UUID(answer["event_id"])) and not is_written(tx, identity("event", "none"))
    assert (signal.direction, signal.ticker, signal.tracked_at) == ("long", "BTCUSDT", NOW)
    assert isinstance(trade.opening, SignalConverted) and trade.opening.opened_at == world.at
    assert (str(trade.decision_id), trade.decision_price) == (signal_id, 99.5)


def test_a_trade_of_its_own_is_its_own_decision(world: World) -> None:
    trade_id = UUID(world.opened(decision_price=99.0))
    with world.ledger.reading() as tx:
        trade = opened_trade(tx, trade_id, world.user_id("ann"))
        assert isinstance(trade.opening, TradeOpened)
        assert (trade.decision_id, trade.decision_price) == (trade_id, 99.0)
        for named, user in ((trade_id, "bob"), (identity("trade", "none"), "ann")):
            with pytest.raises(NotFoundError, match="no such trade"):
                opened_trade(tx, named, world.user_id(user))
            with pytest.raises(NotFoundError, match="no such signal"):
                signal_of(tx, named, world.user_id(user))
