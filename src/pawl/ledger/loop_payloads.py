"""What the events of the loop say, and what tells one event of a topic from another."""

from datetime import UTC
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from pawl.errors import InputError
from pawl.ledger.identity import identity

__all__ = [
    "LOOP_PAYLOADS",
    "MOST_TEXT",
    "Alert",
    "AlertKind",
    "AliasMoved",
    "LoopPayload",
    "NewMarketData",
    "NewPrediction",
    "ReportReady",
    "SignalOutcome",
    "TrainingCompleted",
    "read_loop_payload",
]

MOST_TEXT = 4000
"""Characters of what is said of an alert."""

Number = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
AlertKind = Literal[
    "data_anomaly", "performance_drop", "training_failed", "pause", "hold_share", "feature_drift", "candidate_out"
]
# One instant, one text: a name that is written in another zone would be another event.
Instant = Annotated[AwareDatetime, AfterValidator(lambda when: when.astimezone(UTC))]


class LoopPayload(BaseModel):
    """What every event of the loop says. topic: where it is told. named_by: the fields that tell it from the others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: ClassVar[str]
    named_by: ClassVar[tuple[str, ...]]

    version: Literal[1] = 1

    @property
    def event_id(self) -> UUID:
        """The same for the same happening, however often the step that made it is repeated."""
        said = self.model_dump(mode="json", include=set(self.named_by))
        return identity("loop_event", self.topic, *(said[name] for name in self.named_by))


class NewMarketData(LoopPayload):
    """Bars were stored. bar_timestamp: open time of the newest. n_bars: how many this step added. source: whose."""

    topic: ClassVar[str] = "new_market_data"
    named_by: ClassVar[tuple[str, ...]] = ("pair", "timeframe", "bar_timestamp")

    pair: Text
    timeframe: Text
    bar_timestamp: Instant
    closed_at: Instant
    n_bars: Annotated[int, Field(ge=1)]
    source: Text


class NewPrediction(LoopPayload):
    """A signal was stored, a `hold` too. signal_id: its row in `trading_signals`. inference_id: what a trade on it
    names, so that the trade's result becomes the signal's.
    """

    topic: ClassVar[str] = "new_prediction"
    named_by: ClassVar[tuple[str, ...]] = ("signal_id",)

    signal_id: UUID
    learner: Text
    pair: Text
    timeframe: Text
    bar_timestamp: Instant
    signal: Literal["buy", "sell", "hold"]
    confidence: Share
    model_version: Text
    ab_test_id: UUID | None = None
    inference_id: UUID | None = None


class SignalOutcome(LoopPayload):
    """A signal got its outcome. A `real` one may follow a `virtual` one, and is an event of its own.

    actual_pnl: quote currency; actual_pnl_percent: of the entry, percent.
    """

    topic: ClassVar[str] = "signal_outcome"
    named_by: ClassVar[tuple[str, ...]] = ("signal_id", "outcome_source")

    signal_id: UUID
    learner: Text
    pair: Text
    timeframe: Text
    bar_timestamp: Instant
    signal: Literal["buy", "sell", "hold"]
    model_version: Text
    actual_outcome: Literal["win", "loss", "breakeven", "expired"]
    actual_pnl: Number | None = None
    actual_pnl_percent: Number | None = None
    outcome_source: Literal["real", "virtual"]
    resolved_at: Instant


class TrainingCompleted(LoopPayload):
    """A training ended, well or badly. model_version: the one it was to give; error: of a failed one.

    figures: of its report, by name; None where nothing could be measured.
    """

    topic: ClassVar[str] = "training_completed"
    named_by: ClassVar[tuple[str, ...]] = ("train_job_id",)

    train_job_id: UUID
    learner: Text
    model_version: Text
    training_type: Literal["full", "incremental"]
    status: Literal["succeeded", "failed"]
    error: str | None = None
    figures: dict[str, Number | None] = Field(default_factory=dict)


class Alert(LoopPayload):
    """Something a person should know. about: the firing it tells of; is_over: it has ended. values: its figures."""

    topic: ClassVar[str] = "alert"
    named_by: ClassVar[tuple[str, ...]] = ("about", "is_over")

    kind: AlertKind
    learner: Text
    about: UUID
    is_over: bool = False
    text: Annotated[str, Field(min_length=1, max_length=MOST_TEXT)]
    values: dict[str, Number | str | None] = Field(default_factory=dict)


class ReportReady(LoopPayload):
    """The report of a month was written. summary: its first sentences. markdown, html, charts: files of the workspace.

    held_at: of the selection that closed the month; one that is held again is told again.
    """

    topic: ClassVar[str] = "report_ready"
    named_by: ClassVar[tuple[str, ...]] = ("learner", "month", "held_at")

    learner: Text
    month: Text
    held_at: Instant
    summary: Annotated[str, Field(min_length=1, max_length=10_000)]
    markdown: str
    html: str
    charts: tuple[str, ...] = ()


class AliasMoved(LoopPayload):
    """Another version serves. deployment_id: its row in the deployment log. from_version: None for the first."""

    topic: ClassVar[str] = "alias_moved"
    named_by: ClassVar[tuple[str, ...]] = ("deployment_id",)

    deployment_id: UUID
    learner: Text
    from_version: Text | None = None
    to_version: Text
    act: Literal["promote", "rollback"]
    by: Text
    reason: Annotated[str, Field(min_length=1)]


LOOP_PAYLOADS: dict[str, type[LoopPayload]] = {
    kind.topic: kind
    for kind in (NewMarketData, NewPrediction, SignalOutcome, TrainingCompleted, Alert, ReportReady, AliasMoved)
}
"""By topic.

>>> list(LOOP_PAYLOADS)
['new_market_data', 'new_prediction', 'signal_outcome', 'training_completed', 'alert', 'report_ready', 'alias_moved']
"""


def read_loop_payload(topic: str, payload: Any) -> LoopPayload:  # noqa: ANN401 - whatever came
    """The payload of an event; InputError for an unknown topic, and for what breaks its contract."""
    kind = LOOP_PAYLOADS.get(topic)
    if kind is None:
        known = ", ".join(LOOP_PAYLOADS)
        raise InputError(f"an event of the unknown topic `{topic}`", where="event", fix=f"known topics: {known}")
    try:
        return kind.model_validate(payload)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(f"`{field}`: {first['msg'].lower()}", where=topic, fix="mend whatever wrote it") from error
