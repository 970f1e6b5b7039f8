"""What the four kinds of events say: the whole of an action, frozen when it was taken.

Everything downstream (trajectories, datasets, Passport) follows from these payloads and the columns of the outbox, and
from nothing else; so the history can be told again from the events alone.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pawl.errors import InputError

__all__ = [
    "EVENT_PAYLOADS",
    "EVENT_VERSION",
    "EventPayload",
    "FrozenContext",
    "Recommendation",
    "SignalConverted",
    "SignalTracked",
    "TradeClosed",
    "TradeOpened",
    "read_payload",
]

EVENT_VERSION = 1

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Magnitude = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Side = Literal["long", "short"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FrozenContext(_Frozen):
    """The market as it was known strictly before the decision; None where it was not.

    known_at: the newest instant at which anything in it became known. volatility, funding, oi_change, market_regime,
    session_band: as `features/decision_context.py` gives them. stretch: log return of the last 24 hours in units of
    volatility · √24, positive after a rise.
    """

    volatility: Number | None = None
    funding: Number | None = None
    oi_change: Number | None = None
    market_regime: str | None = None
    session_band: str | None = None
    stretch: Number | None = None
    known_at: datetime | None = None


class Recommendation(_Frozen):
    """What was recommended. tp_bps: distances of the profit levels. rationale_hash: SHA-256 of the normalised text.

    learner, model_version: of the inference it came from; None where it came from none that is on record.
    """

    direction: Literal["long", "short", "flat"]
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    sl_bps: Magnitude | None = None
    tp_bps: tuple[Positive, ...] = ()
    leverage: Positive | None = None
    max_position_pct: Annotated[float, Field(ge=0, le=100)] | None = None
    rationale_hash: str | None = None
    learner: str | None = None
    model_version: str | None = None


class EventPayload(_Frozen):
    """What every event says. request_hash: SHA-256 of the request, which tells a repeated one from another."""

    version: Literal[1] = 1
    request_hash: str
    ticker: Text


class SignalTracked(EventPayload):
    """A user follows a recommendation and has not acted yet. source_event_id: the tracked signal.

    horizon_sec: the span over which the decision is to be judged. decision_price: at which it was made.
    """

    signal_id: str
    decided_at: datetime
    decision_price: Positive | None = None
    horizon_sec: Annotated[int, Field(gt=0)]
    recommendation: Recommendation
    context: FrozenContext


class TradeAction(EventPayload):
    """What a user did. size: entry notional, quote currency; size_pct: of the capital. stop_price, target_price: None
    where none was set. is_followed: whether it is what was recommended; None where nothing was.
    """

    trade_id: str
    side: Side
    size: Positive
    size_pct: Annotated[float, Field(gt=0)] | None = None
    leverage: Positive = 1.0
    entry_price: Positive
    stop_price: Positive | None = None
    target_price: Positive | None = None
    opened_at: datetime
    is_followed: bool | None = None


class TradeOpened(TradeAction):
    """A user opened a trade of its own, on a recommendation or on none. source_event_id: the trade."""

    decision_price: Positive | None = None
    horizon_sec: Annotated[int, Field(gt=0)]
    recommendation: Recommendation | None = None
    context: FrozenContext


class SignalConverted(TradeAction):
    """A tracked signal became a trade. source_event_id: the trade; signal_id: the decision that it belongs to."""

    signal_id: str


class TradeClosed(EventPayload):
    """A trade ended. source_event_id: the entry; decision_id: the source event of the decision (signal, or trade where
    there was no signal).

    pnl: net of fees, quote currency; pnl_bps, max_drawdown_bps: of entry notional. move_bps: signed move of the price
    from decision to exit. stop_price: that of the trade.
    """

    entry_id: str
    trade_id: str
    decision_id: str
    exit_price: Positive
    closed_at: datetime
    fees: Number = 0.0
    pnl: Number
    pnl_bps: Number
    max_drawdown_bps: Magnitude
    hold_sec: Annotated[int, Field(ge=0)]
    slippage_bps: Number | None = None
    move_bps: Number
    stop_price: Positive | None = None


EVENT_PAYLOADS: dict[str, type[EventPayload]] = {
    "signal.tracked": SignalTracked,
    "trade.opened": TradeOpened,
    "signal.converted": SignalConverted,
    "trade.closed": TradeClosed,
}
"""By `event_type`."""


def read_payload(event_type: str, payload: Any) -> EventPayload:  # noqa: ANN401 - whatever was stored
    """The payload of an event; InputError for an unknown type, a future version, or what breaks its contract."""
    kind = EVENT_PAYLOADS.get(event_type)
    if kind is None:
        known = ", ".join(EVENT_PAYLOADS)
        raise InputError(f"an event of the unknown type `{event_type}`", where="event", fix=f"known types: {known}")
    version = payload.get("version") if isinstance(payload, dict) else None
    if version != EVENT_VERSION or isinstance(version, bool):
        raise InputError(
            f"an event of version {version!r}; this Pawl reads version {EVENT_VERSION}",
            where=event_type,
            fix="update Pawl, then retry it: pawl dead-letters retry",
        )
    try:
        return kind.model_validate(payload)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"`{field}`: {first['msg'].lower()}", where=event_type, fix="mend whatever wrote it"
        ) from error
