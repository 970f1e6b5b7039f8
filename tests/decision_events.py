"""Events of users' decisions as the write paths record them: one of each kind, with chosen differences."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.ids import ModelVersion
from pawl.ledger.chain import append_chained
from pawl.ledger.decision_tables import decision_trajectories
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.identity import identity
from pawl.ledger.inferences import Inference, append_inferences

__all__ = [
    "START", "USER", "chain", "closed", "converted", "inference", "opened", "record", "told_rows", "tracked", "user",
]  # fmt: skip

START = datetime(2024, 3, 1, tzinfo=UTC)

Row = dict[str, Any]


def user(number: int) -> UUID:
    """A user's pseudonymous id."""
    return identity("user", "test", number)


USER = user(0)

CONTEXT = {
    "volatility": 0.01,
    "funding": 0.0001,
    "oi_change": 0.02,
    "market_regime": "up_low",
    "session_band": "asia",
    "stretch": 0.5,
}

ADVICE = {
    "direction": "long",
    "confidence": 0.7,
    "sl_bps": 120.0,
    "tp_bps": [180.0, 300.0],
    "leverage": 2.0,
    "max_position_pct": 8.0,
    "rationale_hash": "a" * 64,
    "learner": "policy",
    "model_version": "policy-1.0",
}


def tracked(key: str, at: datetime = START, *, who: UUID = USER, **changes: Any) -> Row:
    """The event of a tracked signal. at: when it was decided; the rest of its chain takes its ids from `key`."""
    payload = {
        "signal_id": str(identity("signal", who, key)),
        "decided_at": at.isoformat(),
        "decision_price": 100.0,
        "horizon_sec": 86_400,
        "recommendation": ADVICE,
        "context": {**CONTEXT, "known_at": (at - timedelta(minutes=1)).isoformat()},
        **changes,
    }
    return _row("signal.tracked", "tracked_signals", key, who, at, payload, payload["signal_id"])


def opened(key: str, at: datetime = START, *, who: UUID = USER, **changes: Any) -> Row:
    """The event of a trade that was opened without a signal."""
    payload = {
        **_action(key, who, at),
        "decision_price": 100.0,
        "horizon_sec": 86_400,
        "recommendation": None,
        "context": {**CONTEXT, "known_at": (at - timedelta(minutes=1)).isoformat()},
        "is_followed": None,
        **changes,
    }
    return _row("trade.opened", "quick_trades", key, who, at, payload, payload["trade_id"])


def converted(key: str, at: datetime = START, *, who: UUID = USER, **changes: Any) -> Row:
    """The event of a signal that became a trade, a minute after it was tracked."""
    later = at + timedelta(minutes=1)
    payload = {**_action(key, who, later), "signal_id": str(identity("signal", who, key)), **changes}
    return _row("signal.converted", "quick_trades", key, who, later, payload, payload["trade_id"])


def closed(key: str, at: datetime = START, *, who: UUID = USER, of: str = "signal", **changes: Any) -> Row:
    """The event of the end of a trade, `hold_sec` after it began. of: what decided it, `signal` or `trade`."""
    hold_sec = int(changes.get("hold_sec", 7200))
    end = at + timedelta(minutes=1, seconds=hold_sec)
    payload = {
        "entry_id": str(identity("entry", who, key)),
        "trade_id": str(identity("trade", who, key)),
        "decision_id": str(identity(of, who, key)),
        "exit_price": 101.0,
        "closed_at": end.isoformat(),
        "fees": 1.0,
        "pnl": 9.0,
        "pnl_bps": 90.0,
        "max_drawdown_bps": 30.0,
        "hold_sec": hold_sec,
        "slippage_bps": 2.0,
        "move_bps": 100.0,
        "stop_price": 98.8,
        **changes,
    }
    return _row("trade.closed", "pnl_entries", key, who, end, payload, payload["entry_id"])


def chain(key: str, at: datetime = START, *, who: UUID = USER) -> list[Row]:
    """The three events of one decision that was tracked, followed and ended."""
    return [tracked(key, at, who=who), converted(key, at, who=who), closed(key, at, who=who)]


def inference(row: Row) -> Inference:
    """The inference that an event rests on, once it is given its id."""
    return Inference(
        inference_id=row["inference_id"],
        trace_id=row["trace_id"],
        model_version=ModelVersion("policy-1.0"),
        learner="reversal",
        prompt_hash="p" * 64,
        prompt_payload={"ticker": "BTCUSDT"},
        response_payload={"direction": "long"},
        created_at=row["recorded_at"],
        user_id=row["user_id"],
    )


def record(tx: sa.Connection, rows: Iterable[Row]) -> list[UUID]:
    """Write events, and the inferences that they name, as the write paths would; the ids of the events."""
    written = list(rows)
    append_inferences(tx, [inference(row) for row in written if row["inference_id"] is not None])
    append_chained(tx, event_outbox, written)
    return [row["event_id"] for row in written]


def told_rows(tx: sa.Connection) -> list[Mapping[str, Any]]:
    """Every trajectory without its place in the chain, in an order of their own."""
    columns = [column for column in decision_trajectories.c if column.name not in CHAIN]
    found = sa.select(*columns).order_by(decision_trajectories.c.source_event_id)
    rows = [dict(row) for row in tx.execute(found).mappings()]
    return sorted(rows, key=lambda row: str(row["source_event_id"]))


CHAIN = ("chain_month", "chain_number", "prev_hash", "row_hash")


def _action(key: str, who: UUID, at: datetime) -> Row:
    return {
        "trade_id": str(identity("trade", who, key)),
        "side": "long",
        "size": 1000.0,
        "size_pct": 5.0,
        "leverage": 2.0,
        "entry_price": 100.0,
        "stop_price": 98.8,
        "target_price": 101.8,
        "opened_at": at.isoformat(),
        "is_followed": True,
    }


def _row(event_type: str, table: str, key: str, who: UUID, at: datetime, payload: Row, source: str) -> Row:
    return {
        "event_id": identity("event", who, key, event_type),
        "user_id": who,
        "trace_id": f"u/{identity('trace', who, key)}",
        "inference_id": None,
        "source_table": table,
        "source_event_id": UUID(source),
        "event_type": event_type,
        "payload": {"version": 1, "request_hash": "f" * 64, "ticker": "BTCUSDT", **payload},
        "occurred_at": at,
        "recorded_at": at,
    }
