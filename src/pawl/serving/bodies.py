"""What the four write paths take: checked to the last field, finite, bounded, and without anything unknown."""

import unicodedata
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from pawl.ledger.event_payloads import EVENT_VERSION
from pawl.ledger.redaction import redact_text

__all__ = [
    "ActionBody",
    "CloseBody",
    "ConvertBody",
    "Name",
    "OpenBody",
    "Price",
    "RecommendationBody",
    "TrackBody",
    "no_control_characters",
]

DAY_SEC = 86_400


def no_control_characters(text: str) -> str:
    """The text; an error that pydantic reports for one that holds a control character."""
    if any(unicodedata.category(char) == "Cc" and char not in "\n\t" for char in text):
        raise PydanticCustomError("control_characters", "holds a control character")
    return text


def _nobody(text: str) -> str:
    if redact_text(text) != text:
        raise PydanticCustomError("personal", "looks like a wallet or an e-mail address")
    return text


def _mail(text: str) -> str:
    if text.count("@") != 1 or text.startswith("@") or text.endswith("@"):
        raise PydanticCustomError("email", "is not an e-mail address")
    return text


# Bounds at which every product and quotient of two of them is a finite float.
Price = Annotated[float, Field(strict=True, ge=1e-12, le=1e15, allow_inf_nan=False)]
Size = Annotated[float, Field(strict=True, ge=1e-9, le=1e15, allow_inf_nan=False)]
Leverage = Annotated[float, Field(strict=True, gt=0, le=1000, allow_inf_nan=False)]
Share = Annotated[float, Field(strict=True, ge=0, le=100, allow_inf_nan=False)]
SizeShare = Annotated[float, Field(strict=True, gt=0, le=100_000, allow_inf_nan=False)]
Bps = Annotated[float, Field(strict=True, ge=0, le=1_000_000, allow_inf_nan=False)]
Level = Annotated[float, Field(strict=True, gt=0, le=1_000_000, allow_inf_nan=False)]
Confidence = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Amount = Annotated[float, Field(strict=True, ge=-1e15, le=1e15, allow_inf_nan=False)]
Horizon = Annotated[int, Field(strict=True, ge=1, le=366 * DAY_SEC)]
# BTCUSDT, BTC/USDT:USDT, EURUSD=X, BRK.B: nothing that climbs out of a folder.
TICKER = r"^[A-Za-z0-9][A-Za-z0-9_=^-]*(?:[./:][A-Za-z0-9_=^-]+)*$"
Name = Annotated[str, Field(strict=True, min_length=1, max_length=40, pattern=TICKER), AfterValidator(_nobody)]
Prose = Annotated[str, Field(strict=True, min_length=1, max_length=10_000), AfterValidator(no_control_characters)]
Personal = Annotated[str, Field(strict=True, min_length=3, max_length=254, pattern=r"^[!-~]+$")]
Direction = Literal["long", "short", "neutral"]
Side = Literal["long", "short"]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ActionBody(_Body):
    """What all four take. occurred_at: with its zone; the server's clock without it. wallet, email: whose action it is,
    kept apart from everything else and never given back.
    """

    version: Annotated[int, Field(strict=True, ge=1, le=EVENT_VERSION)] = EVENT_VERSION
    occurred_at: AwareDatetime | None = None
    wallet: Personal | None = None
    email: Annotated[Personal, AfterValidator(_mail)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_a_known_version(cls, values: Any) -> Any:  # noqa: ANN401 - whatever was sent
        # Before the fields: a later version may have some that are unknown here.
        version = values.get("version") if isinstance(values, dict) else None
        if isinstance(version, int) and not isinstance(version, bool) and version > EVENT_VERSION:
            raise PydanticCustomError("unsupported_version", f"this server takes version {EVENT_VERSION}")
        return values


class RecommendationBody(_Body):
    """What was recommended. direction: neutral is what Pawl calls flat. sl_bps, tp_bps: distances from the entry.

    rationale: only its hash is kept.
    """

    direction: Direction
    confidence: Confidence | None = None
    sl_bps: Bps | None = None
    tp_bps: Annotated[list[Level], Field(max_length=20)] = Field(default_factory=list)
    leverage: Leverage | None = None
    max_position_pct: Share | None = None
    rationale: Prose | None = None


class TrackBody(ActionBody, RecommendationBody):
    """Follow a recommendation. entry: the price it was to be entered at; the decision price where no other is given.
    horizon_sec: over which it is to be judged. inference_id: of the inference it came from.
    """

    ticker: Name
    entry: Price | None = None
    decision_price: Price | None = None
    horizon_sec: Horizon = DAY_SEC
    inference_id: UUID | None = None


class OpenBody(ActionBody):
    """Open a trade. size: entry notional, quote currency; size_pct: of the capital. recommendation: the one it was
    opened on; taken from the inference where that is on record.
    """

    ticker: Name
    side: Side
    size: Size
    size_pct: SizeShare | None = None
    leverage: Leverage = 1.0
    entry_price: Price
    decision_price: Price | None = None
    stop_price: Price | None = None
    target_price: Price | None = None
    horizon_sec: Horizon = DAY_SEC
    inference_id: UUID | None = None
    recommendation: RecommendationBody | None = None


class ConvertBody(ActionBody):
    """Open a trade on a tracked signal. side: that of the signal unless another is given, which overrides it."""

    side: Side | None = None
    size: Size
    size_pct: SizeShare | None = None
    leverage: Leverage = 1.0
    entry_price: Price
    stop_price: Price | None = None
    target_price: Price | None = None


class CloseBody(ActionBody):
    """Close a trade, whole. fees: of entry and exit together, quote currency; negative where they were paid to you."""

    exit_price: Price
    fees: Amount = 0.0
