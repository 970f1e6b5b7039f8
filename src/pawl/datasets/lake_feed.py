"""From the ledger to the event lake: each event, and the rows it tells of, as they stood when it was recorded."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.lake.event_lake import EventLake, LakeRecord
from pawl.ledger.column_types import canonical_json, utc_text
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.trade_tables import pnl_entries, quick_trades, tracked_signals

__all__ = ["feed_lake", "lake_gaps", "lake_records"]

Row = Mapping[Any, Any]
Rows = dict[str, dict[UUID, Row]]

KEYS_AT_ONCE = 500

DELIVERY = ("processed_at", "attempts", "next_attempt_at")
"""Of an event: how far it was told, which is no part of what was recorded."""


def feed_lake(tx: sa.Connection, lake: EventLake, event_ids: Sequence[UUID]) -> int:
    """Put these events into the lake; how many records were new. To be called before they are marked as folded: then
    an event that was folded is in the lake, whenever somebody is killed.
    """
    return lake.append(lake_records(tx, event_ids))


def lake_records(tx: sa.Connection, event_ids: Sequence[UUID]) -> list[LakeRecord]:
    """The records of these events: the event itself, its primary row, and the row that this one moved on.

    What moves on (the state of a signal or trade) is set back to what it was then; everything else cannot change.
    """
    found: list[LakeRecord] = []
    for start in range(0, len(event_ids), KEYS_AT_ONCE):
        names = event_ids[start : start + KEYS_AT_ONCE]
        events = tx.execute(sa.select(event_outbox).where(event_outbox.c.event_id.in_(names))).mappings().all()
        rows = _rows_of(tx, events)
        for event in events:
            found.append(_record(event, "passport_event_outbox", "event_id", event))
            found.extend(_record(event, *told) for told in _told(event, rows))
    return found


def lake_gaps(tx: sa.Connection, lake: EventLake) -> list[UUID]:
    """Events that were folded and are not in the lake as the ledger has them, in their order; none: all is well."""
    held = lake.scan().filter(table="passport_event_outbox")
    bodies = dict(held.select("event_id", "body").iter_rows())
    c = event_outbox.c
    folded = sa.select(event_outbox).where(c.processed_at.is_not(None)).order_by(c.recorded_at, c.event_id)
    rows = tx.execute(folded).mappings()
    return [row["event_id"] for row in rows if bodies.get(str(row["event_id"])) != _body(row)]


def _rows_of(tx: sa.Connection, events: Sequence[Row]) -> Rows:
    wanted: dict[str, set[UUID]] = {"tracked_signals": set(), "quick_trades": set(), "pnl_entries": set()}
    for event in events:
        if event["source_table"] in wanted:
            wanted[event["source_table"]].add(event["source_event_id"])
        for table, field in (("tracked_signals", "signal_id"), ("quick_trades", "trade_id")):
            name = _id(_payload(event).get(field))
            if name is not None:
                wanted[table].add(name)
    rows: Rows = {}
    for source, key in ((tracked_signals, "signal_id"), (quick_trades, "trade_id"), (pnl_entries, "entry_id")):
        names = sorted(wanted[source.name])
        rows[source.name] = {}
        for start in range(0, len(names), KEYS_AT_ONCE):
            of_names = sa.select(source).where(source.c[key].in_(names[start : start + KEYS_AT_ONCE]))
            rows[source.name] |= {row[key]: dict(row) for row in tx.execute(of_names).mappings()}
    return rows


def _told(event: Row, rows: Rows) -> Iterator[tuple[str, str, Row]]:
    """Table, key and row of everything that an event told of, as it stood then."""
    payload = _payload(event)
    signal = rows["tracked_signals"].get(_id(payload.get("signal_id")) or event["source_event_id"])
    trade = rows["quick_trades"].get(_id(payload.get("trade_id")) or event["source_event_id"])
    kind = event["event_type"]
    if kind == "signal.tracked" and signal is not None:
        yield "tracked_signals", "signal_id", {**signal, "status": "tracked", "converted_at": None}
    if kind == "signal.converted" and signal is not None:
        yield "tracked_signals", "signal_id", signal
    if kind in ("trade.opened", "signal.converted") and trade is not None:
        stops = {name: payload.get(name) for name in ("stop_price", "target_price")}
        yield "quick_trades", "trade_id", {**trade, **stops, "status": "open", "closed_at": None, "exit_price": None}
    if kind == "trade.closed":
        if trade is not None:
            yield "quick_trades", "trade_id", trade
        entry = rows["pnl_entries"].get(event["source_event_id"])
        if entry is not None:
            yield "pnl_entries", "entry_id", entry


def _record(event: Row, table: str, key: str, row: Row) -> LakeRecord:
    return LakeRecord(
        event_id=event["event_id"],
        table=table,
        record_id=str(row[key]),
        user_id=event["user_id"],
        recorded_at=event["recorded_at"],
        number=event["chain_number"] or 0,
        body=_body(row),
    )


def _body(row: Row) -> str:
    return canonical_json({name: _value(value) for name, value in row.items() if name not in DELIVERY})


def _value(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    if isinstance(value, UUID):
        return str(value)
    return utc_text(value) if hasattr(value, "tzinfo") else value


def _payload(event: Row) -> Row:
    payload = event["payload"]
    return payload if isinstance(payload, Mapping) else {}


def _id(text: object) -> UUID | None:
    try:
        return UUID(str(text)) if text is not None else None
    except ValueError:
        return None
