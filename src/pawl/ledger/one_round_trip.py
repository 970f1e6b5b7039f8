"""New decisions on PostgreSQL in one statement: rows, events and the head of their chain in one round trip.

The writer remembers where the chain ended and seals its rows behind that. The statement moves the head from there and
writes nothing where the head has moved on; then, and for whatever needs a look at the ledger first, there is the long
way of `write_paths`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from pawl.errors import PawlError, RefusalError
from pawl.ledger.chain import CHAINS, Head, month_of, row_text, sealed_rows
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import inference_logs
from pawl.ledger.driver_sql import run_text
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.trade_tables import quick_trades, tracked_signals
from pawl.ledger.write_commands import OpenTrade, TrackSignal, Written
from pawl.ledger.write_rules import Effect, Prepared, Standing, decide

__all__ = ["OneRoundTrip"]

MOST_OWNERS = 10_000
FIND = "SELECT n_rows, head_hash FROM chain_heads WHERE table_name = ? AND chain_month = ?"
DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


class OneRoundTrip:
    """Remembers the head of the chain, and whose an inference is: what is logged never changes."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._heads: dict[str, Head] = {}
        self._owners: dict[UUID, UUID] = {}

    def append(self, prepared: Sequence[Prepared], now: datetime) -> list[Written] | None:
        """Write all of them, or none and None: then the long way says why, or does it."""
        is_new = all(isinstance(one.command, TrackSignal | OpenTrade) for one in prepared)
        if not is_new or len({one.event_id for one in prepared}) < len(prepared):
            return None
        try:
            with self._ledger.single_statements() as tx:
                return self._append(tx, prepared, now)
        except RefusalError:  # one of the events stands already
            self._heads.clear()
            return None

    def forget(self) -> None:
        """Read the head again: another way was taken, and moved it."""
        self._heads.clear()

    def _append(self, tx: sa.Connection, prepared: Sequence[Prepared], now: datetime) -> list[Written] | None:
        month = month_of(now)
        effects, head = self._effects(tx, prepared, now), self._head(tx, month)
        if effects is None or head is None:
            return None
        chain = CHAINS[event_outbox.name]
        events, after = sealed_rows(chain, month, head, [one.event for one in effects])
        signals = [one.row for one in effects if one.event["source_table"] == tracked_signals.name]
        trades = [one.row for one in effects if one.event["source_table"] == quick_trades.name]
        tables = ((tracked_signals, signals), (quick_trades, trades), (event_outbox, events))
        text = _statement(tuple((table.name, tuple(rows[0])) for table, rows in tables if rows))
        values = (after.number, after.hash, chain.table.name, month, head.hash)
        done = run_text(tx, text, (*values, *(_as_json(table, rows) for table, rows in tables if rows)))
        if done.rowcount != len(prepared):
            self._heads.clear()
            return None
        self._heads = {month: after}
        return [one.written for one in effects]

    def _effects(self, tx: sa.Connection, prepared: Sequence[Prepared], now: datetime) -> list[Effect] | None:
        standing = Standing(owners=self._known(tx, prepared))
        effects = []
        for one in prepared:
            try:
                effect = decide(one, standing, now)
            except PawlError:
                return None
            assert isinstance(effect, Effect)
            effects.append(effect)
        return effects

    def _known(self, tx: sa.Connection, prepared: Sequence[Prepared]) -> dict[UUID, UUID]:
        named = {one.command.inference_id for one in prepared if one.command.inference_id is not None}
        unknown = named - set(self._owners)
        if unknown:
            if len(self._owners) > MOST_OWNERS:
                self._owners.clear()
            c = inference_logs.c
            found = sa.select(c.inference_id, c.user_id).where(c.inference_id.in_(sorted(unknown)))
            self._owners.update((row.inference_id, row.user_id) for row in tx.execute(found))
        return self._owners

    def _head(self, tx: sa.Connection, month: str) -> Head | None:
        if month not in self._heads:
            row = run_text(tx, FIND, (event_outbox.name, month)).fetchone()
            if row is None:
                return None
            n_rows, head_hash = row
            self._heads = {month: Head(n_rows, head_hash)}
        return self._heads[month]


@lru_cache(maxsize=64)
def _statement(tables: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    head = (
        "WITH head AS (UPDATE chain_heads SET n_rows = CAST(? AS bigint), head_hash = ? "
        "WHERE table_name = ? AND chain_month = ? AND head_hash = ? RETURNING 1)"
    )
    *parts, last = (_insert(name, columns) for name, columns in tables)
    return ", ".join([head, *(f"rows_{number} AS ({part})" for number, part in enumerate(parts))]) + f" {last}"


def _insert(name: str, columns: tuple[str, ...]) -> str:
    names, table = ", ".join(columns), BY_NAME[name]
    typed = ", ".join(f"{column} {table.c[column].type.compile(DIALECT)}" for column in columns)
    return f"INSERT INTO {name} ({names}) SELECT {names} FROM head, jsonb_to_recordset(CAST(? AS jsonb)) AS r({typed})"


BY_NAME = {table.name: table for table in (tracked_signals, quick_trades, event_outbox)}


def _as_json(table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> str:
    return f"[{','.join(row_text(table, tuple(row), row) for row in rows)}]"
