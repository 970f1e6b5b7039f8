"""Signals of `reversal`: one a version and bar, resolved with a source or not at all."""

import pytest
import sqlalchemy as sa

from ledger_world import START, day, fill_user_tables, promoted
from pawl.errors import RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.signal_tables import trading_signals


@pytest.fixture
def signalled(ledger: Ledger) -> Ledger:
    """A ledger with one signal in it."""
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        fill_user_tables(tx)
    return ledger


def test_a_version_says_one_thing_of_a_bar(signalled: Ledger) -> None:
    again = {
        "pair": "EURUSD", "timeframe": "15m", "signal": "buy", "confidence": 0.9, "model_version": "m002-1.0",
        "bar_timestamp": START, "features_hash": "f", "learner": "m002", "trace_id": "other",
    }  # fmt: skip
    with pytest.raises(RefusalError, match=r"(?i)unique"), signalled.transaction() as tx:
        tx.execute(sa.insert(trading_signals).values(again))
    with signalled.transaction() as tx:
        tx.execute(sa.insert(trading_signals).values({**again, "model_version": "m002-9.9"}))
        tx.execute(sa.insert(trading_signals).values({**again, "pair": "USDJPY"}))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"actual_outcome": "win"}, "ck_trading_signals_resolved"),
        ({"actual_outcome": "win", "resolved_at": day(1)}, "ck_trading_signals_resolved_by"),
        ({"actual_outcome": "win", "outcome_source": "real"}, "ck_trading_signals_resolved_at"),
        ({"confidence": -0.01}, "ck_trading_signals_confidence"),
        ({"model_version": "m002-7.7"}, "(?i)foreign key"),
    ],
)
def test_what_no_signal_can_say_is_refused(signalled: Ledger, change: dict[str, object], rule: str) -> None:
    with pytest.raises(RefusalError, match=rule), signalled.transaction() as tx:
        tx.execute(sa.update(trading_signals).values(change))


def test_an_outcome_comes_with_its_time_and_source(signalled: Ledger) -> None:
    with signalled.transaction() as tx:
        tx.execute(
            sa.update(trading_signals).values(
                actual_outcome="loss", actual_pnl=-1.5, resolved_at=day(1), outcome_source="virtual"
            )
        )
        assert tx.execute(sa.select(trading_signals.c.actual_pnl)).scalar_one() == -1.5
