"""The four write paths: for each command its primary row and exactly one event, in the caller's transaction.

Whoever writes waits at the head of this month's events, so there is one order, and what a command finds standing stays
as it is until the transaction ends.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import PawlError, RefusalError
from pawl.ledger.chain import CHAINS, append_behind, append_chained, lock_head, month_of
from pawl.ledger.decision_tables import inference_logs
from pawl.ledger.driver_sql import driver_value, insert_rows, run_text, standing_keys
from pawl.ledger.event_payloads import read_payload
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.trade_tables import pnl_entries, quick_trades, tracked_signals
from pawl.ledger.write_commands import CloseTrade, ConvertSignal, WriteCommand, Written
from pawl.ledger.write_rules import Command, Effect, Prepared, Signal, Standing, StoredEvent, Trade, decide, prepare

__all__ = ["apply_prepared", "apply_writes"]

KEYS_AT_ONCE = 500
CONVERT = "UPDATE tracked_signals SET status = ?, converted_at = ? WHERE signal_id = ? AND status = 'tracked'"
CLOSE = "UPDATE quick_trades SET status = ?, closed_at = ?, exit_price = ? WHERE trade_id = ? AND status = 'open'"


def apply_writes(tx: sa.Connection, commands: Sequence[WriteCommand], now: datetime) -> list[Written | PawlError]:
    """Write what the commands say, in their order; for each what stands now, or why it may not be.

    A refusal is a value and spoils no other command; whatever is raised instead leaves nothing of the batch.
    """
    ready: list[Prepared | PawlError] = []
    for command in commands:
        assert isinstance(command, Command)
        try:
            ready.append(prepare(command))
        except PawlError as error:
            ready.append(error)
    return apply_prepared(tx, ready, now)


def apply_prepared(
    tx: sa.Connection, ready: Sequence[Prepared | PawlError], now: datetime
) -> list[Written | PawlError]:
    """The same for commands that `prepare` has seen; what it refused is handed back in its place."""
    prepared = [one for one in ready if isinstance(one, Prepared)]
    if not prepared:
        return [one for one in ready if isinstance(one, PawlError)]
    month = month_of(now)
    head = lock_head(tx, event_outbox.name, month)
    standing = _standing(tx, prepared)
    answers: list[Written | PawlError] = []
    effects: list[Effect] = []
    for one in ready:
        try:
            done = one if isinstance(one, PawlError) else decide(one, standing, now)
        except PawlError as error:
            done = error
        if isinstance(done, Effect):
            effects.append(done)
            done = done.written
        answers.append(done)
    if effects:
        _write_rows(tx, effects)
        append_behind(tx, CHAINS[event_outbox.name], month, head, [one.event for one in effects])
    return answers


def _standing(tx: sa.Connection, prepared: Sequence[Prepared]) -> Standing:
    commands = [one.command for one in prepared]
    standing = Standing()
    events = list({one.event_id for one in prepared})
    for first in range(0, len(events), KEYS_AT_ONCE):
        repeated = standing_keys(tx, event_outbox.c.event_id, events[first : first + KEYS_AT_ONCE])
        _read(tx, event_outbox, set(repeated), _into_events(standing))
    _read(tx, inference_logs, {one.inference_id for one in commands if one.inference_id}, _into_owners(standing))
    signals = {one.payload.signal_id for one in commands if isinstance(one, ConvertSignal)}
    _read(tx, tracked_signals, _ids(signals), _into_signals(standing))
    trades = {one.payload.trade_id for one in commands if isinstance(one, CloseTrade)}
    _read(tx, quick_trades, _ids(trades), _into_trades(standing))
    return standing


def _read(tx: sa.Connection, table: sa.Table, keys: set[UUID], into: Callable[[Any], None]) -> None:
    key, wanted = next(iter(table.primary_key)), sorted(keys)
    for first in range(0, len(wanted), KEYS_AT_ONCE):
        # Locked, so that nobody beside this path moves a signal or a trade meanwhile.
        found = sa.select(table).where(key.in_(wanted[first : first + KEYS_AT_ONCE]))
        is_moving = table in (tracked_signals, quick_trades)
        for row in tx.execute(found.with_for_update() if is_moving else found):
            into(row)


def _into_events(standing: Standing) -> Callable[[Any], None]:
    def into(row: Any) -> None:  # noqa: ANN401 - a row
        standing.events[row.event_id] = StoredEvent(
            row.event_type,
            Written(
                event_id=row.event_id,
                source_event_id=row.source_event_id,
                trace_id=row.trace_id,
                inference_id=row.inference_id,
                recorded_at=row.recorded_at,
                payload=read_payload(row.event_type, row.payload),
                is_new=False,
            ),
        )

    return into


def _into_owners(standing: Standing) -> Callable[[Any], None]:
    def into(row: Any) -> None:  # noqa: ANN401 - a row
        standing.owners[row.inference_id] = row.user_id

    return into


def _into_signals(standing: Standing) -> Callable[[Any], None]:
    def into(row: Any) -> None:  # noqa: ANN401 - a row
        price = row.plan.get("decision_price")
        standing.signals[row.signal_id] = Signal(
            row.user_id, row.trace_id, row.inference_id, row.ticker, price, row.tracked_at, row.status == "converted"
        )

    return into


def _into_trades(standing: Standing) -> Callable[[Any], None]:
    def into(row: Any) -> None:  # noqa: ANN401 - a row
        standing.trades[row.trade_id] = Trade(
            row.user_id, row.trace_id, row.inference_id, row.signal_id, row.ticker, row.opened_at,
            row.status == "closed",
        )  # fmt: skip

    return into


def _ids(texts: Iterable[str]) -> set[UUID]:
    """The ids among the texts; one that is none names nothing, which `decide` says."""
    found = set()
    for text in texts:
        try:
            found.add(UUID(text))
        except ValueError:
            continue
    return found


def _write_rows(tx: sa.Connection, effects: Sequence[Effect]) -> None:
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for effect in effects:
        rows[effect.event["source_table"]].append(effect.row)
    for table in (tracked_signals, quick_trades):  # in this order: a trade refers to its signal
        if rows[table.name]:
            insert_rows(tx, table, rows[table.name])
    moved = [one for one in effects if one.moved is not None]
    _move(tx, CONVERT, tracked_signals, [one for one in moved if one.event["source_table"] == quick_trades.name])
    _move(tx, CLOSE, quick_trades, [one for one in moved if one.event["source_table"] == pnl_entries.name])
    if rows[pnl_entries.name]:
        append_chained(tx, pnl_entries, rows[pnl_entries.name])


def _move(tx: sa.Connection, text: str, table: sa.Table, effects: Sequence[Effect]) -> None:
    values = []
    for effect in effects:
        assert effect.moved is not None
        key, columns = effect.moved
        named = {**columns, next(iter(table.primary_key)).name: key}
        values.append(tuple(driver_value(tx.dialect, table.c[name], value) for name, value in named.items()))
    # Compare-and-set: each of them finds its row where it was, or nothing of the batch is written.
    if values and run_text(tx, text, values).rowcount != len(values):
        raise RefusalError(
            f"a row of {table.name} moved on meanwhile", where="ledger", fix="nothing was written; send it again"
        )
