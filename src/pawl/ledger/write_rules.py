"""What a command does, given what stands in the ledger: its rows, or the reason why not. No database in here.

Named tuples are made in half the time of frozen dataclasses, and each command needs seven of these.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeVar, assert_never
from uuid import UUID

from pawl.errors import (
    AlreadyClosedError,
    AlreadyConvertedError,
    BeforeOpenError,
    IdempotencyConflictError,
    InputError,
    NotFoundError,
)
from pawl.ledger.chain import canonical_text
from pawl.ledger.column_types import JsonText, require_storable, utc_text
from pawl.ledger.event_payloads import SignalTracked, TradeAction, TradeClosed, read_payload
from pawl.ledger.identity import SYSTEM_USER, id_text
from pawl.ledger.payload_text import payload_text
from pawl.ledger.plain_text import is_plain
from pawl.ledger.primary_rows import Whose, entry_row, signal_row, trade_row
from pawl.ledger.redaction import redact
from pawl.ledger.write_commands import CloseTrade, ConvertSignal, OpenTrade, TrackSignal, WriteCommand, Written, row_id

__all__ = ["Command", "Effect", "Prepared", "Signal", "Standing", "StoredEvent", "Trade", "decide", "prepare"]

Command = TrackSignal | OpenTrade | ConvertSignal | CloseTrade

GREATEST_INTEGER = 2**31 - 1  # what `hold_sec` holds on PostgreSQL
Found = TypeVar("Found", "Signal", "Trade")
ITS_KIND: dict[str, Literal["signal", "trade", "pnl"]] = {
    "tracked_signals": "signal",
    "quick_trades": "trade",
    "pnl_entries": "pnl",
}


class Signal(NamedTuple):
    """A tracked signal as far as a trade on it is concerned."""

    user_id: UUID
    trace_id: str
    inference_id: UUID | None
    ticker: str
    decision_price: float | None
    tracked_at: datetime
    is_converted: bool = False


class Trade(NamedTuple):
    """A trade as far as its end is concerned."""

    user_id: UUID
    trace_id: str
    inference_id: UUID | None
    signal_id: UUID | None
    ticker: str
    opened_at: datetime
    is_closed: bool = False


class StoredEvent(NamedTuple):
    """An event that stands. written: as it was written then."""

    event_type: str
    written: Written


@dataclass(slots=True)
class Standing:
    """What stands of everything that the commands of a batch name; `decide` adds what they do.

    owners: the user of an inference.
    """

    events: dict[UUID, StoredEvent] = field(default_factory=dict)
    owners: dict[UUID, UUID] = field(default_factory=dict)
    signals: dict[UUID, Signal] = field(default_factory=dict)
    trades: dict[UUID, Trade] = field(default_factory=dict)


class Prepared(NamedTuple):
    """A command, redacted and checked as far as that goes without the ledger. payload: its own, as it is stored.

    event_id, source_id: of its event and of its primary row.
    """

    command: Command
    event_id: UUID
    source_id: UUID
    payload: JsonText


class Effect(NamedTuple):
    """What is written. row: into `command.source_table`. event: into the outbox, not yet sealed.

    moved: the key of the signal that became `row`, or of the trade that `row` closes, and the columns that say so.
    """

    row: dict[str, Any]
    event: dict[str, Any]
    written: Written
    moved: tuple[UUID, dict[str, Any]] | None = None


def prepare(command: Command) -> Prepared:
    """Redact a command and check what can be checked without the ledger: InputError for what no column could hold."""
    payload = payload_text(command.payload)
    _require_zones(command)
    if not is_plain(payload):
        require_storable(payload)
        said = command.payload.model_dump(mode="json")
        clean = redact(said)
        if clean != said:
            payload = canonical_text(clean)
            command = replace(command, payload=read_payload(command.event_type, clean))  # type: ignore[arg-type]  # its kind
    source_id = row_id(ITS_KIND[command.source_table], command.user_id, command.key, command.occurred_at)
    _require_own_id(command, source_id)
    if isinstance(command, CloseTrade) and command.payload.hold_sec > GREATEST_INTEGER:
        raise InputError("`hold_sec` is beyond 68 years", where=command.event_type, fix="hand in seconds")
    return Prepared(command, command.event_id, source_id, payload)


def decide(prepared: Prepared, standing: Standing, now: datetime) -> Effect | Written:
    """The rows of a command, or what was written for it before; PawlError where it may not be.

    `standing` then holds what it did, for the commands behind it.
    """
    command = prepared.command
    before = standing.events.get(prepared.event_id)
    if before is not None:
        return _repeated(command, before)
    match command:
        case TrackSignal():
            effect = _track(command, prepared, standing, now)
        case OpenTrade():
            effect = _open(command, prepared, standing, now)
        case ConvertSignal():
            effect = _convert(command, prepared, standing, now)
        case CloseTrade():
            effect = _close(command, prepared, standing, now)
        case _:
            assert_never(command)
    standing.events[prepared.event_id] = StoredEvent(command.event_type, effect.written)
    return effect


def _repeated(command: WriteCommand, before: StoredEvent) -> Written:
    is_same = before.event_type == command.event_type and before.written.payload.request_hash == _hash(command)
    if not is_same:
        raise IdempotencyConflictError(
            f"the idempotency key `{command.key}` was used for another request",
            where=command.event_type,
            fix="send a new key with a new request",
        )
    return before.written._replace(is_new=False)


def _hash(command: WriteCommand) -> str:
    assert isinstance(command, TrackSignal | OpenTrade | ConvertSignal | CloseTrade)
    return command.payload.request_hash


def _track(command: TrackSignal, prepared: Prepared, standing: Standing, now: datetime) -> Effect:
    said = command.payload
    whose = Whose(command.user_id, _new_trace(prepared, standing), command.inference_id, now)
    standing.signals[prepared.source_id] = Signal(
        whose.user_id, whose.trace_id, whose.inference_id, said.ticker, said.decision_price, said.decided_at
    )
    return _effect(prepared, whose, signal_row(prepared.source_id, whose, said))


def _open(command: OpenTrade, prepared: Prepared, standing: Standing, now: datetime) -> Effect:
    whose = Whose(command.user_id, _new_trace(prepared, standing), command.inference_id, now)
    row = trade_row(prepared.source_id, whose, command.payload, command.payload.decision_price)
    _remember_trade(standing, row)
    return _effect(prepared, whose, row)


def _convert(command: ConvertSignal, prepared: Prepared, standing: Standing, now: datetime) -> Effect:
    said = command.payload
    signal_id, signal = _own(standing.signals, said.signal_id, command, "signal")
    if signal.is_converted:
        raise AlreadyConvertedError(
            f"signal {signal_id} became a trade before", where=command.event_type, fix="open a trade of its own"
        )
    _require_ticker(command, said.ticker, signal.ticker)
    if said.opened_at < signal.tracked_at:
        raise _before(command, "opened_at", said.opened_at, "tracked_at", signal.tracked_at)
    whose = Whose(command.user_id, signal.trace_id, signal.inference_id, now)
    row = trade_row(prepared.source_id, whose, said, signal.decision_price, signal_id)
    _remember_trade(standing, row)
    standing.signals[signal_id] = signal._replace(is_converted=True)
    converted = {"status": "converted", "converted_at": said.opened_at}
    return _effect(prepared, whose, row, (signal_id, converted))


def _close(command: CloseTrade, prepared: Prepared, standing: Standing, now: datetime) -> Effect:
    said = command.payload
    trade_id, trade = _own(standing.trades, said.trade_id, command, "trade")
    if trade.is_closed:
        raise AlreadyClosedError(
            f"trade {trade_id} was closed before", where=command.event_type, fix="read what came of it"
        )
    _require_ticker(command, said.ticker, trade.ticker)
    if said.closed_at < trade.opened_at:
        raise _before(command, "closed_at", said.closed_at, "opened_at", trade.opened_at)
    decision = trade_id if trade.signal_id is None else trade.signal_id
    if said.decision_id != str(decision):
        raise InputError(f"`decision_id` is not {decision}", where=command.event_type, fix="name the trade's decision")
    standing.trades[trade_id] = trade._replace(is_closed=True)
    whose = Whose(command.user_id, trade.trace_id, trade.inference_id, now)
    closed = {"status": "closed", "closed_at": said.closed_at, "exit_price": said.exit_price}
    return _effect(prepared, whose, entry_row(prepared.source_id, whose, said, trade_id), (trade_id, closed))


def _effect(
    prepared: Prepared, whose: Whose, row: dict[str, Any], moved: tuple[UUID, dict[str, Any]] | None = None
) -> Effect:
    command, now = prepared.command, whose.recorded_at
    event = {
        "event_id": prepared.event_id, "user_id": whose.user_id, "trace_id": whose.trace_id,
        "inference_id": whose.inference_id, "source_table": command.source_table,
        "source_event_id": prepared.source_id, "event_type": command.event_type, "payload": prepared.payload,
        "occurred_at": command.occurred_at, "recorded_at": now,
    }  # fmt: skip
    written = Written(
        event_id=prepared.event_id, source_event_id=prepared.source_id, trace_id=whose.trace_id,
        inference_id=whose.inference_id, recorded_at=now, payload=command.payload, is_new=True,
    )  # fmt: skip
    return Effect(row=row, event=event, written=written, moved=moved)


def _remember_trade(standing: Standing, row: dict[str, Any]) -> None:
    standing.trades[row["trade_id"]] = Trade(
        row["user_id"], row["trace_id"], row["inference_id"], row["signal_id"], row["ticker"], row["opened_at"]
    )


def _new_trace(prepared: Prepared, standing: Standing) -> str:
    command, named = prepared.command, prepared.command.inference_id
    if named is not None and standing.owners.get(named) not in (command.user_id, SYSTEM_USER):
        raise _unknown(command, "inference", named)
    return f"u/{_own_id(command.payload)}"  # a chain of actions is named by the row that it begins with


def _own(standing: dict[UUID, Found], named: str, command: WriteCommand, kind: str) -> tuple[UUID, Found]:
    try:
        its_id = UUID(named)
    except ValueError as error:
        raise _unknown(command, kind, named) from error
    found = standing.get(its_id)
    if found is None or found.user_id != command.user_id:
        raise _unknown(command, kind, named)
    return its_id, found


def _unknown(command: WriteCommand, kind: str, named: object) -> NotFoundError:
    # The same words for what does not exist and for what is another user's: nobody learns which.
    return NotFoundError(f"no {kind} {named}", where=command.event_type, fix=f"name a {kind} of your own")


def _before(command: WriteCommand, end: str, ended: datetime, start: str, started: datetime) -> BeforeOpenError:
    return BeforeOpenError(
        f"`{end}` {utc_text(ended)} lies before `{start}` {utc_text(started)}",
        where=command.event_type,
        fix="send the time at which it happened, in UTC",
    )


def _require_ticker(command: WriteCommand, said: str, wanted: str) -> None:
    if said != wanted:
        raise InputError(f"`ticker` is {said}, and not {wanted}", where=command.event_type, fix="send the right one")


def _require_zones(command: Command) -> None:
    try:
        utc_text(command.occurred_at)
        match command:
            case TrackSignal():
                utc_text(command.payload.decided_at)
            case OpenTrade() | ConvertSignal():
                utc_text(command.payload.opened_at)
            case CloseTrade():
                utc_text(command.payload.closed_at)
    except OverflowError as error:
        raise InputError("a time beyond the calendar", where=command.event_type, fix="hand in times in UTC") from error


def _own_id(payload: SignalTracked | TradeAction | TradeClosed) -> str:
    if isinstance(payload, SignalTracked):
        return payload.signal_id
    return payload.trade_id if isinstance(payload, TradeAction) else payload.entry_id


def _require_own_id(command: Command, source_id: UUID) -> None:
    own = _own_id(command.payload)
    if own != id_text(source_id):
        raise InputError(
            f"the payload names {own}, and its row will be {source_id}",
            where=command.event_type,
            fix="make both from user, idempotency key and time",
        )
