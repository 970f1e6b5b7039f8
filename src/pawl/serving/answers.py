"""What the four write paths answer: the ids by which everything that follows leads back."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from pawl.ledger.event_payloads import SignalTracked, TradeClosed
from pawl.ledger.write_commands import Written

__all__ = ["EntryAnswer", "SignalAnswer", "TradeAnswer", "answer_of"]


class _Answer(BaseModel):
    event_id: UUID
    trace_id: str
    inference_id: UUID | None
    recorded_at: datetime


class SignalAnswer(_Answer):
    """A signal is tracked."""

    signal_id: UUID


class TradeAnswer(_Answer):
    """A trade is open."""

    trade_id: UUID


class EntryAnswer(_Answer):
    """A trade is closed, and this is what it brought. pnl: net of fees, quote currency. slippage_bps: None where no
    decision price is on record.
    """

    entry_id: UUID
    pnl: float
    pnl_bps: float
    max_drawdown_bps: float
    hold_sec: int
    slippage_bps: float | None


def answer_of(written: Written) -> SignalAnswer | TradeAnswer | EntryAnswer:
    """The answer to what was written; to a repeated request what was answered before."""
    ids = {
        "event_id": written.event_id,
        "trace_id": written.trace_id,
        "inference_id": written.inference_id,
        "recorded_at": written.recorded_at,
    }
    payload = written.payload
    if isinstance(payload, SignalTracked):
        return SignalAnswer(**ids, signal_id=written.source_event_id)
    if not isinstance(payload, TradeClosed):
        return TradeAnswer(**ids, trade_id=written.source_event_id)
    return EntryAnswer(
        **ids,
        entry_id=written.source_event_id,
        pnl=payload.pnl,
        pnl_bps=payload.pnl_bps,
        max_drawdown_bps=payload.max_drawdown_bps,
        hold_sec=payload.hold_sec,
        slippage_bps=payload.slippage_bps,
    )
