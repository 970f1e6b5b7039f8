"""What a command does, given what stands in the ledger: its rows, or the reason why not. No database in here."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar, assert_never
from uuid import UUID

from pawl.errors import (
    AlreadyClosedError,
    AlreadyConvertedError,
    BeforeOpenError,
    IdempotencyConflictError,
    InputError,
    NotFoundError,
)
from pawl.ledger.column_types import canonical_json, require_storable, utc_text
from pawl.ledger.event_payloads import SignalConverted, TradeAction, TradeClosed, read_payload
from pawl.ledger.identity import SYSTEM_USER, identity
from pawl.ledger.redaction import redact
from pawl.ledger.write_commands import CloseTrade, ConvertSignal, OpenTrade, TrackSignal, WriteCommand, Written

__all__ = ["Command", "Effect", "Prepared", "Signal", "Standing", "StoredEvent", "Trade", "decide", "prepare"]

Command = TrackSignal | OpenTrade | ConvertSignal | CloseTrade

GREATEST_INTEGER = 2**31 - 1  # what `hold_sec` holds on PostgreSQL
Found = TypeVar("Found", "Signal", "Trade")
ITS_KIND = {"tracked_signals": "signal", "quick_trades": "trade", "pnl_entries": "pnl"}


@dataclass(frozen=True, slots=True)
class Signal:
    """A tracked signal as far as a trade on it is concerned."""

    user_id: UUID
    trace_id: str
    inference_id: UUID | None
    ticker: str
    decision_price: float | None
    tracked_at: datetime
    is_converted: bool = False


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade as far as its end is concerned."""

    user_id: UUID
    trace_id: str
    inference_id: UUID | None
    signal_id: UUID | None
    ticker: str
    opened_at: datetime
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class StoredEvent:
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


@dataclass(frozen=True, slots=True)
class Prepared:
    """A command, redacted and checked as far as that goes without the ledger. payload: its own, as JSON.

    event_id, source_id: of its event and of its primary row.
    """

    command: Command
    event_id: UUID
    source_id: UUID
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What is written. row: into `command.source_table`. event: into the outbox, not yet sealed.

    moved: the key of the signal that became `row`, or of the trade that `row` closes, and the columns that say so.
    """

    row: dict[str, Any]
    event: dict[str, Any]
    written: Written
    moved: tuple[UUID, dict[str, Any]] | None = None


def prepare(command: Command) -> Prepared:
    """Redact a command and check what can be checked without the ledger: InputError for what no column could hold."""
    dumped = command.payload.model_dump(mode="json")
    try:
        require_storable(canonical_json(dumped))
        _require_zones(command)
    except OverflowError as error:
        raise InputError("a time beyond the calendar", where=command.event_type, fix="hand in times in UTC") from error
    source_id = identity(ITS_KIND[command.source_table], command.user_id, command.key)
    payload = redact(dumped)
    assert isinstance(payload, dict)
    if payload != dumped:
        said = read_payload(command.event_type, payload)
        command = replace(command, payload=said)  # type: ignore[arg-type]  # of the same kind
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
    return replace(before.written, is_new=False)


def _hash(command: WriteCommand) -> str:
    assert isinstance(command, TrackSignal | OpenTrade | ConvertSignal | CloseTrade)
    return command.payload.request_hash


def _track(command: TrackSignal, prepared: Prepared, standing: Standing, now: datetime) -> Effect:
    said, advice = command.payload, command.payload.recommendation
    trace_id = _new_trace(command, standing)
    plan = {
        "decision_price": said.decision_price, "horizon_sec": said.horizon_sec, "sl_bps": advice.sl_bps,
        "tp_bps": list(advice.tp_bps), "leverage": advice.leverage, "max_position_pct": advice.max_position_pct,
    }  # fmt: skip
    row: dict[str, Any] = {
        "signal_id": prepared.source_id, "user_id": command.user_id, "trace_id": trace_id,
        "inference_id": command.inference_id, "ticker": prepared.command.payload.ticker, "direction": advice.direction,
        # jsonb, by which a row may come, knows no -0.0.
        "confidence": None if advice.confidence is None else advice.confidence + 0.0,
        "plan": plan, "rationale_hash": advice.rationale_hash,
        "tracked_at": said.decided_at, "created_at": now,
    }  # fmt: skip
    standing.signals[prepared.source_id] = Signal(
        command.user_id, trace_id, command.inference_id, row["ticker"], said.decision_price, said.decided_at
    )
    return _effect(prepared, row, command.inference_id, now)


def _open(command: OpenTrade, prepared: Prepared, standing: Standing, now: datetime) -> Effect:
    row = {
        "trace_id": _new_trace(command, standing), "inference_id": command.inference_id, "signal_id": None,
        "decision_price": command.payload.decision_price, **_trade_columns(prepared, command.payload, now),
    }  # fmt: skip
    _remember_trade(standing, row)
    return _effect(prepared, row, command.inference_id, now)


def _convert(command: ConvertSignal, prepared: Prepared, standing: Standing, now: datetime) -> Effect:
    said = command.payload
    signal_id, signal = _own(standing.signals, said.signal_id, command, "signal")
    if signal.is_converted:
        raise AlreadyConvertedError(
            f"signal {signal_id} became a trade before", where=command.event_type, fix="open a trade of its own"
        )
    _require_ticker(command, prepared.command.payload.ticker, signal.ticker)
    if said.opened_at < signal.tracked_at:
        raise _before(command, "opened_at", said.opened_at, "tracked_at", signal.tracked_at)
    row = {
        "trace_id": signal.trace_id, "inference_id": signal.inference_id, "signal_id": signal_id,
        "decision_price": signal.decision_price, **_trade_columns(prepared, said, now),
    }  # fmt: skip
    _remember_trade(standing, row)
    standing.signals[signal_id] = replace(signal, is_converted=True)
    converted = {"status": "converted", "converted_at": said.opened_at}
    return _effect(prepared, row, signal.inference_id, now, (signal_id, converted))


def _close(command: CloseTrade, prepared: Prepared, standing: Standing, now: datetime) -> Effect:
    said = command.payload
    trade_id, trade = _own(standing.trades, said.trade_id, command, "trade")
    if trade.is_closed:
        raise AlreadyClosedError(
            f"trade {trade_id} was closed before", where=command.event_type, fix="read what came of it"
        )
    _require_ticker(command, prepared.command.payload.ticker, trade.ticker)
    if said.closed_at < trade.opened_at:
        raise _before(command, "closed_at", said.closed_at, "opened_at", trade.opened_at)
    decision = trade_id if trade.signal_id is None else trade.signal_id
    if said.decision_id != str(decision):
        raise InputError(f"`decision_id` is not {decision}", where=command.event_type, fix="name the trade's decision")
    row = {
        "entry_id": prepared.source_id, "user_id": command.user_id, "trace_id": trade.trace_id, "trade_id": trade_id,
        "is_final": True, "pnl": said.pnl, "pnl_bps": said.pnl_bps, "max_drawdown_bps": said.max_drawdown_bps,
        "hold_sec": said.hold_sec, "slippage_bps": said.slippage_bps, "occurred_at": said.closed_at, "created_at": now,
    }  # fmt: skip
    standing.trades[trade_id] = replace(trade, is_closed=True)
    closed = {"status": "closed", "closed_at": said.closed_at, "exit_price": said.exit_price}
    return _effect(prepared, row, trade.inference_id, now, (trade_id, closed))


def _effect(
    prepared: Prepared,
    row: dict[str, Any],
    inference_id: UUID | None,
    now: datetime,
    moved: tuple[UUID, dict[str, Any]] | None = None,
) -> Effect:
    command, trace_id = prepared.command, row["trace_id"]
    event = {
        "event_id": prepared.event_id, "user_id": command.user_id, "trace_id": trace_id, "inference_id": inference_id,
        "source_table": command.source_table, "source_event_id": prepared.source_id,
        "event_type": command.event_type, "payload": prepared.payload, "occurred_at": command.occurred_at,
        "recorded_at": now,
    }  # fmt: skip
    written = Written(
        event_id=prepared.event_id, source_event_id=prepared.source_id, trace_id=trace_id, inference_id=inference_id,
        recorded_at=now, payload=command.payload, is_new=True,
    )  # fmt: skip
    return Effect(row=row, event=event, written=written, moved=moved)


def _trade_columns(prepared: Prepared, said: TradeAction, now: datetime) -> dict[str, Any]:
    return {
        "trade_id": prepared.source_id, "user_id": prepared.command.user_id, "ticker": prepared.command.payload.ticker,
        "side": said.side, "size": said.size, "leverage": said.leverage, "entry_price": said.entry_price,
        "stop_price": said.stop_price, "target_price": said.target_price, "is_followed": said.is_followed,
        "opened_at": said.opened_at, "created_at": now,
    }  # fmt: skip


def _remember_trade(standing: Standing, row: dict[str, Any]) -> None:
    standing.trades[row["trade_id"]] = Trade(
        row["user_id"], row["trace_id"], row["inference_id"], row["signal_id"], row["ticker"], row["opened_at"]
    )


def _new_trace(command: TrackSignal | OpenTrade, standing: Standing) -> str:
    named = command.inference_id
    if named is not None and standing.owners.get(named) not in (command.user_id, SYSTEM_USER):
        raise _unknown(command, "inference", named)
    return f"u/{identity('trace', command.user_id, command.key)}"


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
    utc_text(command.occurred_at)
    match command:
        case TrackSignal():
            utc_text(command.payload.decided_at)
        case OpenTrade() | ConvertSignal():
            utc_text(command.payload.opened_at)
        case CloseTrade():
            utc_text(command.payload.closed_at)


def _require_own_id(command: Command, source_id: UUID) -> None:
    match command.payload:
        case TradeClosed(entry_id=said) | SignalConverted(trade_id=said) | TradeAction(trade_id=said):
            own = said
        case said_payload:
            own = said_payload.signal_id
    if own != str(source_id):
        raise InputError(
            f"the payload names {own}, and its row will be {source_id}",
            where=command.event_type,
            fix="make both from user and idempotency key",
        )
