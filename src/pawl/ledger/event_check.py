"""Compares the rows of users with the events that tell of them: each has one, says the same, and moved with it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.ledger.chain import row_text
from pawl.ledger.chain_break import Break
from pawl.ledger.driver_sql import UNREADABLE, driver_value, row_reader, run_text, stream_text
from pawl.ledger.event_payloads import SignalConverted, SignalTracked, TradeClosed, TradeOpened, read_payload
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.primary_rows import Whose, entry_row, signal_row, trade_row
from pawl.ledger.trade_tables import pnl_entries, quick_trades, tracked_signals

__all__ = ["odd_primary_rows"]

EVENTS_AT_ONCE = 500
EVENT = (
    "user_id", "trace_id", "inference_id", "source_table", "source_event_id", "event_type", "payload", "recorded_at",
)  # fmt: skip
PRIMARY = {tracked_signals: "TRUE", quick_trades: "TRUE", pnl_entries: "is_final"}
"""Whose rows have an event each; a result that is not final has none."""

MOVES_ON = ("stop_price", "target_price")
CLOSED = "SELECT trade_id FROM quick_trades WHERE status = 'closed'"
CONVERTED = "SELECT signal_id FROM tracked_signals WHERE status = 'converted'"
MOVED_ALONE = {
    quick_trades: f"{CLOSED} EXCEPT SELECT trade_id FROM pnl_entries WHERE is_final",
    tracked_signals: f"{CONVERTED} EXCEPT SELECT signal_id FROM quick_trades",
}


@dataclass(slots=True)
class _Wanted:
    """What the rows must say, by table and key; of some only that they have moved on."""

    rows: dict[sa.Table, dict[UUID, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    moved: dict[sa.Table, dict[UUID, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))

    def keys(self, table: sa.Table) -> set[UUID]:
        return {*self.rows[table], *self.moved[table]}


def odd_primary_rows(tx: sa.Connection) -> Iterator[Break]:
    """Rows that disagree with their event, have none, or are gone; states that no event tells of."""
    for table, with_event in PRIMARY.items():
        key = next(iter(table.primary_key)).name
        own = f"SELECT {key} FROM {table.name} WHERE {with_event}"
        told = f"SELECT source_event_id FROM passport_event_outbox WHERE source_table = '{table.name}'"
        yield from _each(tx, table, f"{own} EXCEPT {told}", "has no event that tells of it")
        yield from _each(tx, table, f"{told} EXCEPT {own}", "is gone, and an event tells of it")
    for table, text in MOVED_ALONE.items():
        yield from _each(tx, table, text, "moved on, and no event tells of it")
    for events in _chunks(_events(tx)):
        yield from _compared(tx, _wanted(events))


def _each(tx: sa.Connection, table: sa.Table, text: str, what: str) -> Iterator[Break]:
    read = row_reader(tx.dialect, table, [next(iter(table.primary_key)).name])
    for values in stream_text(tx, text):
        try:
            (row,) = read(values).values()
        except UNREADABLE:
            row = repr(values[0])
        yield Break(table=table.name, row=str(row), what=what)


def _events(tx: sa.Connection) -> Iterator[dict[str, Any]]:
    """The events that can be read; the walk of their chain names the others."""
    read = row_reader(tx.dialect, event_outbox, EVENT)
    for values in stream_text(tx, f"SELECT {', '.join(EVENT)} FROM passport_event_outbox"):
        try:
            event = read(values)
            event["said"] = read_payload(event["event_type"], event["payload"])
        except UNREADABLE:
            continue
        yield event


def _chunks(events: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while chunk := list(islice(events, EVENTS_AT_ONCE)):
        yield chunk


def _wanted(events: Iterable[Mapping[str, Any]]) -> _Wanted:
    wanted = _Wanted()
    for event in events:
        its_id = event["source_event_id"]
        whose = Whose(event["user_id"], event["trace_id"], event["inference_id"], event["recorded_at"])
        match event["said"]:
            case SignalTracked() as said:
                wanted.rows[tracked_signals][its_id] = signal_row(its_id, whose, said)
            case TradeOpened() as said:
                wanted.rows[quick_trades][its_id] = trade_row(its_id, whose, said, said.decision_price)
            case SignalConverted() as said:
                signal = UUID(said.signal_id)
                wanted.rows[quick_trades][its_id] = trade_row(its_id, whose, said, None, signal)
                wanted.moved[tracked_signals][signal] = {"status": "converted", "converted_at": said.opened_at}
            case TradeClosed() as said:
                trade = UUID(said.trade_id)
                wanted.rows[pnl_entries][its_id] = entry_row(its_id, whose, said, trade)
                closed = {"status": "closed", "closed_at": said.closed_at, "exit_price": said.exit_price}
                wanted.moved[quick_trades][trade] = closed
    return wanted


def _compared(tx: sa.Connection, wanted: _Wanted) -> Iterator[Break]:
    signals: dict[UUID, dict[str, Any] | None] = {}
    for table in PRIMARY:
        keys = wanted.keys(table)
        if table is tracked_signals:  # the price of a decision stands at its signal
            keys |= {one["signal_id"] for one in wanted.rows[quick_trades].values() if one["signal_id"] is not None}
        found = _found(tx, table, keys)
        if table is tracked_signals:
            signals = found
        for key, row in found.items():
            if row is None:
                yield Break(table=table.name, row=str(key), what="was edited: it cannot be read")
                continue
            said = wanted.rows[table].get(key, {})
            if table is quick_trades and said and said["signal_id"] is not None:
                said |= _decision_price(signals.get(said["signal_id"]), row)
            odd = _odd(table, row, said | wanted.moved[table].get(key, {}))
            if odd:
                yield Break(table=table.name, row=str(key), what=f"disagrees with its event in {', '.join(odd)}")


def _decision_price(signal: Mapping[str, Any] | None, trade: Mapping[str, Any]) -> dict[str, Any]:
    """Of the signal; where that is gone or cannot be read, which is named elsewhere, of the trade itself."""
    price = trade["decision_price"] if signal is None else signal["plan"].get("decision_price")
    return {"decision_price": price}


def _odd(table: sa.Table, row: Mapping[str, Any], said: Mapping[str, Any]) -> list[str]:
    names = tuple([name for name in said if name not in MOVES_ON])
    if row_text(table, names, row) == row_text(table, names, said):
        return []
    return [name for name in names if row_text(table, (name,), row) != row_text(table, (name,), said)]


def _found(tx: sa.Connection, table: sa.Table, keys: Collection[UUID]) -> dict[UUID, dict[str, Any] | None]:
    """The rows of the keys that stand; None for one that cannot be read."""
    if not keys:
        return {}
    key, columns = next(iter(table.primary_key)), tuple(table.c.keys())
    values = [driver_value(tx.dialect, key, one) for one in keys]
    chosen = f"SELECT {', '.join(columns)} FROM {table.name} WHERE {key.name}"
    if tx.dialect.name == "postgresql":
        rows = run_text(tx, f"{chosen} = ANY(?)", (values,))
    else:
        rows = run_text(tx, f"{chosen} IN ({', '.join('?' * len(values))})", tuple(values))
    found: dict[UUID, dict[str, Any] | None] = {}
    read = row_reader(tx.dialect, table, columns)
    by_value = dict(zip(values, keys, strict=True))
    for row in rows:
        its_key = by_value[row[columns.index(key.name)]]
        try:
            found[its_key] = read(row)
        except UNREADABLE:
            found[its_key] = None
    return found
