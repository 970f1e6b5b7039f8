"""A primary row has every column that says what happened, and those are the table's own."""

import pytest
import sqlalchemy as sa

from ledger_world import USER, day
from pawl.ledger.chain_tables import CHAIN_COLUMNS
from pawl.ledger.identity import identity
from pawl.ledger.primary_rows import Whose, entry_row, signal_row, trade_row
from pawl.ledger.trade_tables import pnl_entries, quick_trades, tracked_signals
from user_commands import close_trade, open_trade, track_signal

WHOSE = Whose(USER, "u/t", identity("inference", 1), day(1))
ID = identity("row", 1)
MOVING = {"status", "converted_at", "closed_at", "exit_price"}


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (tracked_signals, signal_row(ID, WHOSE, track_signal("s").payload)),
        (quick_trades, trade_row(ID, WHOSE, open_trade("o").payload, 42_000.0)),
        (pnl_entries, entry_row(ID, WHOSE, close_trade("x", ID, day(1)).payload, ID)),
    ],
)
def test_a_row_has_every_column_that_does_not_move_on(table: sa.Table, row: dict[str, object]) -> None:
    assert set(row) == set(table.c.keys()) - MOVING - set(CHAIN_COLUMNS)
    assert (row["user_id"], row["trace_id"], row["created_at"]) == (USER, "u/t", day(1))
