"""Users' trades on signals: found when they have closed, until their result stands."""

from typing import Any

import pytest

from ledger_world import START, USER, day, promoted
from pawl.ids import ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.signals import NewSignal, SignalOutcome, record_signals, resolve_signal
from pawl.ledger.user_trades import closed_trades, record_trade, traded_signals

SIGNAL = NewSignal(
    pair="EURUSD", timeframe="15m", bar_timestamp=START, model_version=ModelVersion("m002-1.0"), learner="m002",
    signal="buy", confidence=0.7, features_hash="f" * 64, trace_id="t", entry_price=1.1, atr=0.001,
)  # fmt: skip


def trade(number: int, **changes: Any) -> dict[str, object]:
    opened = {"id": identity("trade", number), "user_id": USER, "pair": "EURUSD", "opened_at": day(1), "entry": 2.0,
              "signal_id": SIGNAL.id}  # fmt: skip
    return {**opened, **changes}


@pytest.fixture
def signalled(ledger: Ledger) -> Ledger:
    """A ledger with one signal."""
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        record_signals(tx, [SIGNAL], day(1))
    return ledger


def test_a_trade_counts_once_it_has_closed_and_until_its_result_stands(signalled: Ledger) -> None:
    with signalled.transaction() as tx:
        record_trade(tx, trade(1))
        assert closed_trades(tx, "m002", day(0), day(9)) == []
        assert traded_signals(tx, [SIGNAL.id], day(1)) == {SIGNAL.id}
        assert traded_signals(tx, [SIGNAL.id], day(0)) == traded_signals(tx, [], day(1)) == set()
        record_trade(tx, trade(1, closed_at=day(3), exit=2.2, pnl=0.1))
        record_trade(tx, trade(2, closed_at=day(2), exit=2.2, pnl=0.4))
        assert closed_trades(tx, "m002", day(0), day(1)) == closed_trades(tx, "m002", day(3), day(9)) == []
        (found,) = closed_trades(tx, "m002", day(0), day(9))
        assert (found.trade_id, found.net_return) == (identity("trade", 2), 0.2)  # the one that closed first
        assert closed_trades(tx, "reversal", day(0), day(9)) == []
        resolve_signal(tx, SIGNAL.id, SignalOutcome(outcome="loss", pnl=-0.1, source="virtual"), day(3))
        assert len(closed_trades(tx, "m002", day(0), day(9))) == 1
        resolve_signal(tx, SIGNAL.id, SignalOutcome(outcome="win", pnl=0.2, source="real"), day(4))
        assert closed_trades(tx, "m002", day(0), day(9)) == []
