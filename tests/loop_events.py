"""Events of the loop for tests: one of each topic, told apart by a number."""

from datetime import timedelta

from ledger_world import START
from pawl.ledger.identity import identity
from pawl.ledger.loop_payloads import AliasMoved, NewMarketData, NewPrediction, SignalOutcome, TrainingCompleted

__all__ = ["alias_move", "bars", "outcome", "prediction", "training"]

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


def alias_move(number: int) -> AliasMoved:
    """Another version serves."""
    return AliasMoved.model_validate(
        {"deployment_id": identity("deployment", number), "learner": "reversal", "from_version": "reversal-3.2",
         "to_version": "reversal-3.3", "act": "promote", "by": "pawl", "reason": "model_b wins more often"}
    )  # fmt: skip
