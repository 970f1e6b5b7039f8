"""Users' trades on signals: opened and closed once, and found when they have closed, until their result stands."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from ledger_world import START, USER, day, promoted
from pawl.ids import ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.live_tables import user_trading_history
from pawl.ledger.signals import NewSignal, SignalOutcome, record_signals, resolve_signal
from pawl.ledger.user_trades import OpenedTrade, close_trade, closed_trades, open_trade, traded_signals

SIGNAL = NewSignal(
    pair="EURUSD", timeframe="15m", bar_timestamp=START, model_version=ModelVersion("m002-1.0"), learner="m002",
    signal="buy", confidence=0.7, features_hash="f" * 64, trace_id="t", entry_price=1.1, atr=0.001,
)  # fmt: skip


def trade(number: int, signal_id: UUID | None = SIGNAL.id) -> OpenedTrade:
    """Bought at 2."""
    return OpenedTrade(
        id=identity("trade", number), user_id=USER, pair="EURUSD", opened_at=day(1), entry=2.0, signal_id=signal_id
    )


def rows(tx: sa.Connection) -> list[Any]:
    """What stands of trades."""
    c = user_trading_history.c
    return [tuple(row) for row in tx.execute(sa.select(c.opened_at, c.closed_at, c.entry, c.exit, c.pnl))]


@pytest.fixture
def signalled(ledger: Ledger) -> Ledger:
    """A ledger with one signal."""
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        record_signals(tx, [SIGNAL], day(1))
    return ledger


def test_a_trade_counts_once_it_has_closed_and_until_its_result_stands(signalled: Ledger) -> None:
    with signalled.transaction() as tx:
        open_trade(tx, trade(1), day(1))
        open_trade(tx, trade(2), day(1))
        assert closed_trades(tx, "m002", day(0), day(9)) == []
        close_trade(tx, trade(1).id, day(3), 2.2, 500.0)
        close_trade(tx, trade(2).id, day(2), 2.2, 2000.0)
        assert closed_trades(tx, "m002", day(0), day(1)) == closed_trades(tx, "m002", day(3), day(9)) == []
        (found,) = closed_trades(tx, "m002", day(0), day(9))
        assert (found.trade_id, found.net_return) == (trade(2).id, 0.2)  # the one that closed first
        assert closed_trades(tx, "reversal", day(0), day(9)) == []
        resolve_signal(tx, SIGNAL.id, SignalOutcome(outcome="loss", pnl=-0.1, source="virtual"), day(3))
        assert len(closed_trades(tx, "m002", day(0), day(9))) == 1
        resolve_signal(tx, SIGNAL.id, SignalOutcome(outcome="win", pnl=0.2, source="real"), day(4))
        assert closed_trades(tx, "m002", day(0), day(9)) == []


def test_a_signal_is_traded_from_the_opening_on_and_for_as_long_as_is_asked(signalled: Ledger) -> None:
    with signalled.transaction() as tx:
        open_trade(tx, trade(1), day(1))
        open_trade(tx, trade(2, None), day(1))
        assert traded_signals(tx, [SIGNAL.id], day(0), day(1)) == {SIGNAL.id}
        assert traded_signals(tx, [SIGNAL.id], day(-1), day(0)) == set()  # not opened yet
        assert traded_signals(tx, [SIGNAL.id], day(1), day(9)) == set()  # opened too long ago
        assert traded_signals(tx, [], day(0), day(1)) == set()


def test_what_stands_of_a_trade_stays_as_it_was_said_first(signalled: Ledger) -> None:
    """pnl is in units of the price for each unit traded: 250 bps of an entry at 2 are 0.05."""
    with signalled.transaction() as tx:
        assert not close_trade(tx, trade(1).id, day(2), 2.1, 250.0)  # nobody has heard of it
        assert open_trade(tx, trade(1), day(1))
        assert close_trade(tx, trade(1).id, day(2), 2.1, 250.0)
        assert not open_trade(tx, trade(1, None), day(5))
        assert not close_trade(tx, trade(1).id, day(6), 1.0, -5000.0)
        assert rows(tx) == [(day(1), day(2), 2.0, 2.1, pytest.approx(0.05))]
        assert tx.execute(sa.select(user_trading_history.c.created_at)).scalar_one() == day(1)
