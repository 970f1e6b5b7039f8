"""What versions say of bars: one prediction a version for all its pairs, as rows for the ledger."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import polars as pl

from pawl.ids import ModelVersion
from pawl.learners.learner import Learner
from pawl.ledger.column_types import utc_text
from pawl.ledger.identity import identity
from pawl.ledger.inferences import Inference, Trajectory
from pawl.ledger.market_data import NewestBar
from pawl.ledger.signals import NewSignal, signal_id

__all__ = ["Answer", "Asked", "answers_of", "inference_of", "signal_of", "trajectory_of"]

WORDS: Mapping[str, Literal["buy", "sell", "hold"]] = {"long": "buy", "short": "sell", "flat": "hold"}
KEYS = ("ticker", "ts", "available_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of a version. learner, timeframe, feature_set: by name. is_shadow: whether the answer acts."""

    bar: NewestBar
    version: ModelVersion
    learner: str
    timeframe: str
    feature_set: str
    is_shadow: bool
    ab_test_id: UUID | None

    @property
    def trace_id(self) -> str:
        """Of the decision on this bar: the versions that answer beside each other share it."""
        return str(identity("trace", self.learner, self.bar.pair, self.timeframe, utc_text(self.bar.timestamp)))

    @property
    def inference_id(self) -> UUID:
        """Of this version's answer."""
        return identity("inference", self.trace_id, self.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a version said of a bar. said: all that the learner predicted. decision: a row of DECISION_COLUMNS.
    latency_ms: how long it was waited for.
    """

    asked: Asked
    said: Mapping[str, Any]
    decision: Mapping[str, Any]
    latency_ms: int = 0


def answers_of(learner: Learner[Any], model: Any, bars: pl.DataFrame, asked: Sequence[Asked]) -> list[Answer]:  # noqa: ANN401 - a model is whatever its learner fits
    """One model's answers on the bars that are asked for; without those on which it had nothing to say.

    bars: silver bars of the pairs, none of which had not closed.
    """
    since = min(one.bar.timestamp for one in asked)
    predictions = learner.predict(model, bars, since=since)
    decisions = {(row["ticker"], row["ts"]): row for row in learner.decide(predictions).iter_rows(named=True)}
    said = {(row["ticker"], row["ts"]): row for row in predictions.iter_rows(named=True)}
    found = []
    for one in asked:
        key = (one.bar.pair, one.bar.timestamp)
        if key in decisions and _confidence(said[key], decisions[key]) is not None:
            found.append(Answer(asked=one, said=said[key], decision=decisions[key]))
    return found


def signal_of(answer: Answer) -> NewSignal:
    """The answer as a signal, in the words of `trading_signals`."""
    asked, said = answer.asked, answer.said
    confidence = _confidence(said, answer.decision)
    assert confidence is not None
    return NewSignal(
        pair=asked.bar.pair,
        timeframe=asked.timeframe,
        bar_timestamp=asked.bar.timestamp,
        model_version=asked.version,
        learner=asked.learner,
        signal=said["signal"] if _has_own_words(said) else WORDS[answer.decision["action"]],
        confidence=min(1.0, max(0.0, confidence)),
        features_hash=asked.bar.features_hash,
        trace_id=asked.trace_id,
        inference_id=asked.inference_id,
        ab_test_id=asked.ab_test_id,
        is_shadow=asked.is_shadow,
        entry_price=asked.bar.close,
        atr=_number(said.get("atr_14")),
    )


def inference_of(answer: Answer, at: datetime) -> Inference:
    """The answer as an inference: what was asked, and all that was said."""
    asked = answer.asked
    prompt = {
        "pair": asked.bar.pair,
        "timeframe": asked.timeframe,
        "bar_timestamp": utc_text(asked.bar.timestamp),
        "feature_set": asked.feature_set,
        "features_hash": asked.bar.features_hash,
    }
    return Inference(
        inference_id=asked.inference_id,
        trace_id=asked.trace_id,
        model_version=asked.version,
        learner=asked.learner,
        prompt_hash=asked.bar.features_hash,
        prompt_payload=prompt,
        response_payload={"said": _plain_row(answer.said), "decision": _plain_row(answer.decision)},
        created_at=at,
        model_name=asked.learner,
        latency_ms=answer.latency_ms,
    )


def trajectory_of(answer: Answer, at: datetime) -> Trajectory:
    """The answer that acts as a trajectory: context and decision; its outcome comes with that of the signal."""
    asked = answer.asked
    event = signal_id(asked.bar.pair, asked.timeframe, asked.bar.timestamp, asked.version)
    return Trajectory(
        trajectory_id=identity("trajectory", event),
        trace_id=asked.trace_id,
        source_event_id=event,
        inference_id=asked.inference_id,
        learner=asked.learner,
        context_features={
            "pair": asked.bar.pair,
            "timeframe": asked.timeframe,
            "bar_timestamp": utc_text(asked.bar.timestamp),
            "closed_at": utc_text(asked.bar.closed_at),
            "close": asked.bar.close,
            "features_hash": asked.bar.features_hash,
        },
        decision_features={
            "version": asked.version,
            "ab_test_id": None if asked.ab_test_id is None else str(asked.ab_test_id),
            **_plain_row(answer.decision),
        },
        created_at=at,
    )


def _has_own_words(said: Mapping[str, Any]) -> bool:
    return "signal" in said and "confidence" in said


def _confidence(said: Mapping[str, Any], decision: Mapping[str, Any]) -> float | None:
    """None where the version had nothing to say of the bar: too few bars, or a gap in its window."""
    if _has_own_words(said) and said["signal"] is None:
        return None
    found = said["confidence"] if _has_own_words(said) else decision["probability"]
    return float(found) if found is not None and math.isfinite(found) else None


def _plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row.items() if name not in KEYS}


def _plain(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.isoformat() if isinstance(value, date) else value


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, float | int) and math.isfinite(value) and value > 0 else None
