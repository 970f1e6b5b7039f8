"""Events of the loop for tests: one of each topic, told apart by a number."""

from datetime import timedelta

from ledger_world import START
from pawl.events.bus import Event
from pawl.ledger.identity import identity
from pawl.ledger.loop_payloads import (
    Alert,
    AliasMoved,
    LoopPayload,
    NewMarketData,
    NewPrediction,
    ReportReady,
    SignalOutcome,
    TrainingCompleted,
)

__all__ = ["alert", "alias_move", "bars", "event", "outcome", "prediction", "report", "training"]

QUARTER = timedelta(minutes=15)


def bars(number: int, pair: str = "EURUSD") -> NewMarketData:
    """A bar was stored."""
    opened = START + number * QUARTER
    return NewMarketData(
        pair=pair, timeframe="15m", bar_timestamp=opened, closed_at=opened + QUARTER, n_bars=1, source="simulated"
    )


def prediction(number: int, signal: str = "buy") -> NewPrediction:
    """A signal was stored."""
    return NewPrediction.model_validate(
        {"signal_id": identity("signal", number), "learner": "reversal", "pair": "EURUSD", "timeframe": "15m",
         "bar_timestamp": START + number * QUARTER, "signal": signal, "confidence": 0.75, "model_version": "v3.2"}
    )  # fmt: skip


def outcome(number: int, source: str = "real") -> SignalOutcome:
    """A signal got its outcome."""
    return SignalOutcome.model_validate(
        {"signal_id": identity("signal", number), "learner": "reversal", "pair": "EURUSD", "timeframe": "15m",
         "bar_timestamp": START + number * QUARTER, "signal": "buy", "model_version": "v3.2", "actual_outcome": "win",
         "actual_pnl": 12.5, "actual_pnl_percent": 0.125, "outcome_source": source,
         "resolved_at": START + (number + 3) * QUARTER}
    )  # fmt: skip


def training(number: int, status: str = "succeeded") -> TrainingCompleted:
    """A training ended."""
    return TrainingCompleted.model_validate(
        {"train_job_id": identity("job", number), "learner": "reversal", "model_version": "v3.3",
         "training_type": "full", "status": status, "error": None if status == "succeeded" else "out of memory"}
    )  # fmt: skip


def alert(number: int, kind: str = "pause", *, is_over: bool = False) -> Alert:
    """Something a person should know."""
    return Alert.model_validate(
        {"kind": kind, "learner": "reversal", "about": identity("firing", number), "is_over": is_over,
         "text": "a wild day", "values": {"volatility_ratio": 3.5, "missing_share": None}}
    )  # fmt: skip


def report(number: int) -> ReportReady:
    """The report of a month was written."""
    held_at = START + timedelta(days=number)
    return ReportReady(
        learner="reversal", month="2024-01", held_at=held_at, summary="The champion stayed.", markdown="m.md",
        html="m.html", charts=("ranking.png",),
    )  # fmt: skip


def alias_move(number: int) -> AliasMoved:
    """Another version serves."""
    return AliasMoved.model_validate(
        {"deployment_id": identity("deployment", number), "learner": "reversal", "from_version": "reversal-3.2",
         "to_version": "reversal-3.3", "act": "promote", "by": "pawl", "reason": "model_b wins more often"}
    )  # fmt: skip


def event(payload: LoopPayload) -> Event:
    """The event of a payload, as a relay publishes it."""
    return Event(event_id=payload.event_id, topic=payload.topic, at=START, payload=payload.model_dump(mode="json"))
