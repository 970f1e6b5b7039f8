"""Rows that are handed to the driver as they are, are the rows that SQLAlchemy would have written."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa

from ledger_world import USER, day
from pawl.errors import InputError, RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.driver_sql import insert_rows, row_reader, run_text, standing_keys, stream_text
from pawl.ledger.identity import identity
from pawl.ledger.trade_tables import quick_trades, tracked_signals

AT = datetime(2024, 2, 1, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=5, minutes=45)))
ROWS: list[dict[str, Any]] = [
    {"trade_id": identity("trade", n), "user_id": USER, "trace_id": "t", "inference_id": None, "ticker": ticker,
     "side": "short", "size": size, "leverage": 0.1 + 0.2, "entry_price": 1e-7, "is_followed": is_followed,
     "opened_at": AT}
    for n, (ticker, size, is_followed) in enumerate([("Ω'\"%s?", 1e22, None), ("B", 5e-324, True), ("C", 1.0, False)])
]  # fmt: skip
SIGNAL = {
    "signal_id": identity("signal", 1), "user_id": USER, "trace_id": "t", "ticker": "B", "direction": "flat",
    "confidence": None, "plan": {"b": [1, 2.5, None], "a": {"%s": "?"}}, "tracked_at": AT, "created_at": AT,
}  # fmt: skip


def stored(ledger: Ledger, table: sa.Table) -> list[Mapping[str, Any]]:
    with ledger.reading() as tx:
        rows = tx.execute(sa.text(f"SELECT * FROM {table.name} ORDER BY 1")).mappings()
        return [{name: row[name] for name in row if name != "created_at" or table is tracked_signals} for row in rows]


def test_both_ways_store_the_same_row(ledger: Ledger, empty_twin: Ledger) -> None:
    empty_twin.make_current()
    with ledger.transaction() as tx:
        insert_rows(tx, quick_trades, ROWS)
        insert_rows(tx, tracked_signals, [SIGNAL])
    with empty_twin.transaction() as tx:
        tx.execute(sa.insert(quick_trades), ROWS)
        tx.execute(sa.insert(tracked_signals).values(SIGNAL))
    for table, n in ((quick_trades, len(ROWS)), (tracked_signals, 1)):
        assert stored(ledger, table) == stored(empty_twin, table)
        assert len(stored(ledger, table)) == n


def test_a_row_is_read_as_sqlalchemy_reads_it(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        insert_rows(tx, quick_trades, ROWS)
        insert_rows(tx, tracked_signals, [SIGNAL])
        for table in (quick_trades, tracked_signals):
            columns = table.c.keys()
            read = row_reader(tx.dialect, table, columns)
            raw = stream_text(tx, f"SELECT {', '.join(columns)} FROM {table.name} ORDER BY 1")
            key = next(iter(table.primary_key))
            assert [read(values) for values in raw] == [
                dict(row) for row in tx.execute(sa.select(table).order_by(key)).mappings()
            ]


def test_what_a_column_refuses_is_refused(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="is no figure"), ledger.transaction() as tx:
        insert_rows(tx, quick_trades, [{**ROWS[0], "size": float("nan")}])
    with pytest.raises(InputError, match="no zone"), ledger.transaction() as tx:
        insert_rows(tx, quick_trades, [{**ROWS[0], "opened_at": day(1).replace(tzinfo=None)}])
    with pytest.raises(RefusalError, match="ck_quick_trades"), ledger.transaction() as tx:
        insert_rows(tx, quick_trades, [{**ROWS[0], "size": -1.0}])


def test_the_keys_that_stand_are_found_among_many(ledger: Ledger) -> None:
    keys = [row["trade_id"] for row in ROWS]
    with ledger.transaction() as tx:
        insert_rows(tx, quick_trades, ROWS[:2])
        assert sorted(standing_keys(tx, quick_trades.c.trade_id, keys)) == sorted(keys[:2])
        assert standing_keys(tx, quick_trades.c.trade_id, []) == []


def test_the_places_of_a_statement_are_the_same_on_both_databases(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        insert_rows(tx, quick_trades, ROWS)
        changed = run_text(tx, "UPDATE quick_trades SET stop_price = ? WHERE side = ?", [(1.0, "short"), (2.0, "long")])
        assert changed.rowcount == len(ROWS)
