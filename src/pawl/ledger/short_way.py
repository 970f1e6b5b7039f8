"""New decisions, without a look at what stands: they are sealed behind the end of the chain that this writer remembers.

The database moves the head of the chain from there and writes nothing where it has moved on, or where one of the events
stands already. Then, and for whatever needs a look at the ledger first, there is the long way of `write_paths`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import PawlError
from pawl.ledger.chain import CHAINS, Head, month_of, sealed_rows
from pawl.ledger.chain_tables import chain_heads
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import inference_logs
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.trade_tables import quick_trades, tracked_signals
from pawl.ledger.write_commands import OpenTrade, TrackSignal, Written
from pawl.ledger.write_rules import Effect, Prepared, Standing, decide

__all__ = ["MOVE_FROM", "Begun", "NewRows", "ShortWay", "Store"]

MOST_OWNERS = 10_000
NEW = (TrackSignal, OpenTrade)
MOVE_FROM = (
    "UPDATE chain_heads SET n_rows = ?, head_hash = ? WHERE table_name = ? AND chain_month = ? AND head_hash = ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRows:
    """What is written together, or not at all. tables: the rows of each, by column, the events last.

    month: of the events. before, after: the end of their chain, as it must stand and as it will.
    """

    month: str
    before: Head
    after: Head
    tables: Sequence[tuple[sa.Table, Sequence[dict[str, Any]]]]

    @property
    def move(self) -> tuple[int, str, str, str, str]:
        """The values of `MOVE_FROM`."""
        return self.after.number, self.after.hash, event_outbox.name, self.month, self.before.hash


class Store(Protocol):
    """Writes new rows in one transaction, on a connection of its own: each is begun, and finished in the same order."""

    def begin(self, new: NewRows) -> None:
        """Set out to write them."""
        ...

    def finish(self, new: NewRows) -> bool:
        """Durable where it is True; where the head has moved on or a key is taken nothing is written."""
        ...

    def close(self) -> None:
        """Let go of the connection; the next write opens another."""
        ...


class Begun(NamedTuple):
    """New rows on their way, and what is answered where they arrive."""

    new: NewRows
    written: list[Written]


class ShortWay:
    """Remembers the end of the chain, and whose an inference is: what is logged never changes.

    Rows may be begun behind others that are still on their way. Where those are not written, these are not either.
    """

    def __init__(self, ledger: Ledger, store: Store) -> None:
        self._ledger, self._store = ledger, store
        self._heads: dict[str, Head] = {}
        self._owners: dict[UUID, UUID] = {}
        self._n_begun, self._n_lost = 0, 0  # on their way; and of these, behind one that was not written

    def append(self, prepared: Sequence[Prepared], now: datetime) -> list[Written] | None:
        """Write all of them, or none and None: then the long way says why, or does it."""
        begun = self.begin(prepared, now)
        return None if begun is None else self.finish(begun)

    def begin(self, prepared: Sequence[Prepared], now: datetime) -> Begun | None:
        """Set out to write all of them; None where only the long way can, as for its order behind what is lost."""
        if self._n_lost:
            return None
        is_new = all(isinstance(one.command, NEW) for one in prepared)
        if not is_new or len({one.event_id for one in prepared}) < len(prepared):
            return None
        month = month_of(now)
        before, effects = self._head(month), self._effects(prepared, now)
        if before is None or effects is None:
            return None
        events, after = sealed_rows(CHAINS[event_outbox.name], month, before, [one.event for one in effects])
        rows: dict[str, list[dict[str, Any]]] = {tracked_signals.name: [], quick_trades.name: []}
        for one in effects:
            rows[one.event["source_table"]].append(one.row)
        tables = [(table, rows[table.name]) for table in (tracked_signals, quick_trades) if rows[table.name]]
        new = NewRows(month=month, before=before, after=after, tables=[*tables, (event_outbox, events)])
        self._heads.clear()
        self._store.begin(new)
        self._heads[month] = after
        self._n_begun += 1
        return Begun(new, [one.written for one in effects])

    def finish(self, begun: Begun) -> list[Written] | None:
        """What is written of the oldest that was begun; None for nothing: then the long way says why, or does it."""
        self._n_begun -= 1
        self._n_lost = max(0, self._n_lost - 1)
        is_written = False
        try:
            is_written = self._store.finish(begun.new)
        finally:
            if not is_written:
                self._heads.clear()
                self._n_lost = self._n_begun
        return begun.written if is_written else None

    def forget(self) -> None:
        """Read the head again: another way was taken, and moved it."""
        self._heads.clear()

    def close(self) -> None:
        """Let go of the connection."""
        self._store.close()

    def _effects(self, prepared: Sequence[Prepared], now: datetime) -> list[Effect] | None:
        standing = Standing(owners=self._known(prepared))
        effects = []
        for one in prepared:
            try:
                effect = decide(one, standing, now)
            except PawlError:
                return None
            assert isinstance(effect, Effect)
            effects.append(effect)
        return effects

    def _known(self, prepared: Sequence[Prepared]) -> dict[UUID, UUID]:
        unknown = {one.command.inference_id for one in prepared} - {None, *self._owners}
        if unknown:
            if len(self._owners) > MOST_OWNERS:
                self._owners.clear()
            c = inference_logs.c
            found = sa.select(c.inference_id, c.user_id).where(c.inference_id.in_(unknown))
            with self._ledger.reading() as tx:
                self._owners.update((row.inference_id, row.user_id) for row in tx.execute(found))
        return self._owners

    def _head(self, month: str) -> Head | None:
        if month not in self._heads:
            c = chain_heads.c
            found = sa.select(c.n_rows, c.head_hash).where(c.table_name == event_outbox.name, c.chain_month == month)
            with self._ledger.reading() as tx:
                row = tx.execute(found).one_or_none()
            if row is None:
                return None
            self._heads[month] = Head(row.n_rows, row.head_hash)
        return self._heads[month]
