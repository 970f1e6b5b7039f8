"""What users do, as commands to the ledger: one user, one market, and times of one's own."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from ledger_world import START, USER
from pawl.ledger.event_payloads import (
    FrozenContext,
    Recommendation,
    SignalConverted,
    SignalTracked,
    TradeClosed,
    TradeOpened,
)  # fmt: skip
from pawl.ledger.write_commands import CloseTrade, ConvertSignal, OpenTrade, TrackSignal, row_id

__all__ = ["ADVICE", "close_trade", "convert_signal", "open_trade", "signal_of", "track_signal", "trade_of"]

ADVICE = Recommendation(
    direction="long", confidence=0.71, sl_bps=120.0, tp_bps=(180.0, 240.0), leverage=3.0, max_position_pct=8.0,
    rationale_hash="a" * 64,
)  # fmt: skip
CONTEXT = FrozenContext(volatility=0.012, funding=0.0001, market_regime="up/high", session_band="asia", known_at=START)


def signal_of(key: str, user: UUID = USER, at: datetime = START) -> UUID:
    """The signal that a key makes at a time."""
    return row_id("signal", user, key, at)


def trade_of(key: str, user: UUID = USER, at: datetime = START) -> UUID:
    """The trade that a key makes at a time."""
    return row_id("trade", user, key, at)


def request_hash(*parts: object) -> str:
    """As of a request."""
    return sha256(repr(parts).encode()).hexdigest()


def track_signal(
    key: str, at: datetime = START, user: UUID = USER, inference_id: UUID | None = None, **said: Any
) -> TrackSignal:
    """Follow the advice at a time."""
    fields: dict[str, Any] = {
        "request_hash": request_hash("track", key, said), "ticker": "BTCUSDT",
        "signal_id": str(signal_of(key, user, at)),
        "decided_at": at, "decision_price": 42_000.0, "horizon_sec": 86_400, "recommendation": ADVICE,
        "context": CONTEXT,
    }  # fmt: skip
    payload = SignalTracked(**fields | said)
    return TrackSignal(user_id=user, key=key, occurred_at=at, inference_id=inference_id, payload=payload)


def open_trade(
    key: str, at: datetime = START, user: UUID = USER, inference_id: UUID | None = None, **said: Any
) -> OpenTrade:
    """Open a trade on the advice at a time."""
    fields: dict[str, Any] = {
        "request_hash": request_hash("open", key, said), "trade_id": str(trade_of(key, user, at)), "context": CONTEXT,
        "decision_price": 42_000.0, "horizon_sec": 86_400, "recommendation": ADVICE, "is_followed": True,
    }  # fmt: skip
    payload = TradeOpened(**fields | _action(at) | said)
    return OpenTrade(user_id=user, key=key, occurred_at=at, inference_id=inference_id, payload=payload)


def convert_signal(
    key: str, signal_id: UUID | str, at: datetime = START, user: UUID = USER, **said: Any
) -> ConvertSignal:
    """Make a trade of a signal at a time."""
    fields: dict[str, Any] = {
        "request_hash": request_hash("convert", key, signal_id, said), "trade_id": str(trade_of(key, user, at)),
        "signal_id": str(signal_id), "is_followed": True,
    }  # fmt: skip
    payload = SignalConverted(**fields | _action(at) | said)
    return ConvertSignal(user_id=user, key=key, occurred_at=at, payload=payload)


def close_trade(key: str, trade_id: UUID | str, at: datetime, user: UUID = USER, **said: Any) -> CloseTrade:
    """Close a trade that was opened at the start and belongs to no signal, at a time."""
    fields: dict[str, Any] = {
        "request_hash": request_hash("close", key, trade_id, said), "ticker": "BTCUSDT",
        "entry_id": str(row_id("pnl", user, key, at)), "trade_id": str(trade_id), "decision_id": str(trade_id),
        "exit_price": 42_630.0, "closed_at": at, "fees": 1.0, "pnl": 14.0, "pnl_bps": 140.0, "max_drawdown_bps": 35.5,
        "hold_sec": max(0, (at - START) // timedelta(seconds=1)), "slippage_bps": 2.5, "move_bps": 150.0,
        "stop_price": 41_500.0,
    }  # fmt: skip
    payload = TradeClosed(**fields | said)
    return CloseTrade(user_id=user, key=key, occurred_at=at, payload=payload)


def _action(at: datetime) -> dict[str, Any]:
    return {
        "ticker": "BTCUSDT", "side": "long", "size": 1_000.0, "size_pct": 5.0, "leverage": 2.0,
        "entry_price": 42_010.5, "stop_price": 41_500.0, "target_price": 43_000.0, "opened_at": at,
    }  # fmt: skip
