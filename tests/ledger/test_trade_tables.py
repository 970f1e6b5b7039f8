"""What the database refuses of signals, trades and results, whoever writes them."""

import pytest
import sqlalchemy as sa

from ledger_world import USER, day, fill_user_tables, promoted
from pawl.errors import InputError, RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.trade_tables import pnl_entries, quick_trades, tracked_signals

TRADE = identity("trade", 1)
RESULT = {
    "user_id": USER, "trace_id": "trace", "trade_id": TRADE, "is_final": False, "pnl": -0.2, "pnl_bps": -20.0,
    "occurred_at": day(1),
}  # fmt: skip

SIGNAL = {"user_id": USER, "trace_id": "t", "ticker": "X", "direction": "long", "plan": {}, "tracked_at": day(1)}
OPENED = {
    "user_id": USER, "trace_id": "t", "ticker": "X", "side": "long", "size": 1.0, "entry_price": 1.0,
    "opened_at": day(1),
}  # fmt: skip
SIGNAL_STAYS = (
    "signal_id user_id trace_id inference_id ticker direction confidence plan rationale_hash tracked_at created_at"
).split()
TRADE_STAYS = (
    "trade_id user_id trace_id inference_id signal_id ticker side size leverage decision_price entry_price is_followed "
    "opened_at created_at"
).split()


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    """A ledger in which one trade is open, followed from one signal, with its final result."""
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        fill_user_tables(tx)
    return ledger


def refused(ledger: Ledger, change: sa.Executable, because: str) -> None:
    with pytest.raises(RefusalError, match=because), ledger.transaction() as tx:
        tx.execute(change)


def test_a_signal_is_tracked_until_it_is_converted_at_a_time(filled: Ledger) -> None:
    with filled.transaction() as tx:
        assert tx.execute(sa.select(tracked_signals.c.status)).scalar_one() == "tracked"
        tx.execute(sa.update(tracked_signals).values(status="converted", converted_at=day(1)))
    refused(filled, sa.update(tracked_signals).values(converted_at=None), "ck_tracked_signals_converted_at")
    odd = sa.insert(tracked_signals).values({**SIGNAL, "confidence": 1.01})
    refused(filled, odd, "ck_tracked_signals_confidence")


def test_a_trade_is_open_until_it_is_closed_with_time_and_price(filled: Ledger) -> None:
    with filled.reading() as tx:
        trade = tx.execute(sa.select(quick_trades)).one()
    assert (trade.status, trade.leverage, trade.closed_at, trade.is_followed) == ("open", 1.0, None, None)
    change = sa.update(quick_trades)
    refused(filled, change.values(status="closed", exit_price=43_000.0), "ck_quick_trades_closed_at")
    refused(filled, change.values(status="closed", closed_at=day(1)), "ck_quick_trades_exit_price")
    refused(filled, change.values(status="closed", closed_at=day(-1), exit_price=1.0), "ck_quick_trades_times")
    with filled.transaction() as tx:
        tx.execute(change.values(status="closed", closed_at=day(1), exit_price=43_000.0))


@pytest.mark.parametrize("column", ["size", "leverage", "entry_price"])
def test_sizes_and_prices_are_positive_numbers(filled: Ledger, column: str) -> None:
    refused(filled, sa.insert(quick_trades).values({**OPENED, column: 0.0}), "ck_quick_trades_positive")
    with pytest.raises(InputError, match="is no figure"), filled.transaction() as tx:
        tx.execute(sa.insert(quick_trades).values({**OPENED, column: float("nan")}))
    with filled.transaction() as tx:
        tx.execute(sa.insert(quick_trades).values(OPENED))


@pytest.mark.parametrize(
    ("table", "column"),
    [
        *((tracked_signals, name) for name in SIGNAL_STAYS),
        *((quick_trades, name) for name in TRADE_STAYS),
    ],
    ids=str,
)
def test_what_was_tracked_or_opened_stays_as_it_was(filled: Ledger, table: sa.Table, column: str) -> None:
    refused(filled, sa.text(f"UPDATE {table.name} SET {column} = {column}"), f"{table.name} is append-only")


@pytest.mark.parametrize("table", ["tracked_signals", "quick_trades", "pnl_entries"])
def test_what_was_tracked_opened_or_booked_is_never_deleted(filled: Ledger, table: str) -> None:
    refused(filled, sa.text(f"DELETE FROM {table}"), f"{table} is append-only")


def test_a_trade_has_many_results_and_one_that_is_final(filled: Ledger) -> None:
    with filled.transaction() as tx:
        tx.execute(sa.insert(pnl_entries), [RESULT, RESULT])
    final = {**RESULT, "is_final": True, "max_drawdown_bps": 1.0, "hold_sec": 60}
    refused(filled, sa.insert(pnl_entries).values(final), r"(?i)unique")
    refused(filled, sa.insert(pnl_entries).values({**final, "hold_sec": None}), "ck_pnl_entries_is_final")
    refused(filled, sa.insert(pnl_entries).values({**RESULT, "max_drawdown_bps": -1.0}), "ck_pnl_entries_magnitudes")
    refused(filled, sa.insert(pnl_entries).values({**RESULT, "trade_id": USER}), r"(?i)foreign key")
