"""The four actions of a user as they are handed to the ledger: checked, redacted, and with everything they need frozen.

A command says who, what and when. The id of its event follows from user and idempotency key alone, so that the same
request, sent again, is found and is the same row.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import ClassVar, Literal, NamedTuple
from uuid import UUID

from pawl.ledger.event_payloads import EventPayload, SignalConverted, SignalTracked, TradeClosed, TradeOpened
from pawl.ledger.identity import identity, timed_identity

__all__ = ["CloseTrade", "ConvertSignal", "OpenTrade", "TrackSignal", "WriteCommand", "Written", "row_id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteCommand:
    """What all four share. key: the idempotency key, unique among the user's requests. occurred_at: of the action.

    inference_id: of the recommendation it rests on; None where it rests on none on record.
    """

    user_id: UUID
    key: str
    occurred_at: datetime
    inference_id: UUID | None = None

    event_type: ClassVar[str]
    source_table: ClassVar[str]

    @property
    def event_id(self) -> UUID:
        """The id of its one event."""
        return identity("event", self.user_id, self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackSignal(WriteCommand):
    """Follow a recommendation: a row in `tracked_signals`."""

    payload: SignalTracked
    event_type: ClassVar[str] = "signal.tracked"
    source_table: ClassVar[str] = "tracked_signals"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTrade(WriteCommand):
    """Open a trade: a row in `quick_trades`."""

    payload: TradeOpened
    event_type: ClassVar[str] = "trade.opened"
    source_table: ClassVar[str] = "quick_trades"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertSignal(WriteCommand):
    """Open a trade on a tracked signal: a row in `quick_trades`, and the signal is converted."""

    payload: SignalConverted
    event_type: ClassVar[str] = "signal.converted"
    source_table: ClassVar[str] = "quick_trades"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseTrade(WriteCommand):
    """Close a trade: its final row in `pnl_entries`, and the trade is closed."""

    payload: TradeClosed
    event_type: ClassVar[str] = "trade.closed"
    source_table: ClassVar[str] = "pnl_entries"


@lru_cache(maxsize=4096)  # whoever makes the payload asks, and then whoever checks it
def row_id(kind: Literal["signal", "trade", "pnl"], user_id: UUID, key: str, occurred_at: datetime) -> UUID:
    """The id of the primary row of an action. It tells the time, so that rows of one time lie together."""
    return timed_identity(occurred_at, kind, user_id, key)


class Written(NamedTuple):
    """What stands in the ledger. source_event_id: the primary row. is_new: False where the same request was written
    before; then everything here is what was written then.
    """

    event_id: UUID
    source_event_id: UUID
    trace_id: str
    inference_id: UUID | None
    recorded_at: datetime
    payload: EventPayload
    is_new: bool
