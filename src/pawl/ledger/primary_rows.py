"""The primary row of an event: what a signal, a trade or a result says, from what its event says and nothing else."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from pawl.ledger.event_payloads import SignalTracked, TradeAction, TradeClosed
from pawl.ledger.payload_text import fields_text

__all__ = ["Whose", "entry_row", "signal_row", "trade_row"]


class Whose(NamedTuple):
    """What ties a row to its user, its chain of events and its inference; and when it was recorded."""

    user_id: UUID
    trace_id: str
    inference_id: UUID | None
    recorded_at: datetime


def signal_row(signal_id: UUID, whose: Whose, said: SignalTracked) -> dict[str, Any]:
    """Of `tracked_signals`, by column."""
    advice = said.recommendation
    plan = {
        "decision_price": said.decision_price, "horizon_sec": said.horizon_sec, "sl_bps": advice.sl_bps,
        "tp_bps": advice.tp_bps, "leverage": advice.leverage, "max_position_pct": advice.max_position_pct,
    }  # fmt: skip
    return {
        "signal_id": signal_id, "user_id": whose.user_id, "trace_id": whose.trace_id,
        "inference_id": whose.inference_id, "ticker": said.ticker, "direction": advice.direction,
        # jsonb, by which a row may come, knows no -0.0.
        "confidence": None if advice.confidence is None else advice.confidence + 0.0,
        "plan": fields_text(plan), "rationale_hash": advice.rationale_hash, "tracked_at": said.decided_at,
        "created_at": whose.recorded_at,
    }  # fmt: skip


def trade_row(
    trade_id: UUID, whose: Whose, said: TradeAction, decision_price: float | None, signal_id: UUID | None = None
) -> dict[str, Any]:
    """Of `quick_trades`, by column. decision_price: of its own, or of its signal."""
    return {
        "trade_id": trade_id, "user_id": whose.user_id, "trace_id": whose.trace_id,
        "inference_id": whose.inference_id, "signal_id": signal_id, "ticker": said.ticker, "side": said.side,
        "size": said.size, "leverage": said.leverage, "decision_price": decision_price,
        "entry_price": said.entry_price, "stop_price": said.stop_price, "target_price": said.target_price,
        "is_followed": said.is_followed, "opened_at": said.opened_at, "created_at": whose.recorded_at,
    }  # fmt: skip


def entry_row(entry_id: UUID, whose: Whose, said: TradeClosed, trade_id: UUID) -> dict[str, Any]:
    """Of `pnl_entries`, by column, not yet sealed."""
    return {
        "entry_id": entry_id, "user_id": whose.user_id, "trace_id": whose.trace_id, "trade_id": trade_id,
        "is_final": True, "pnl": said.pnl, "pnl_bps": said.pnl_bps, "max_drawdown_bps": said.max_drawdown_bps,
        "hold_sec": said.hold_sec, "slippage_bps": said.slippage_bps, "occurred_at": said.closed_at,
        "created_at": whose.recorded_at,
    }  # fmt: skip
