"""From what a learner predicts to the words of `trading_signals`."""

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from live_world import START
from pawl.ids import ModelVersion
from pawl.jobs.live.answering import Answer, Asked, answers_of, inference_of, signal_of, trajectory_of
from pawl.ledger.market_data import NewestBar

BAR = NewestBar(
    pair="BTCUSDT", timestamp=START, closed_at=START + timedelta(days=1), close=40.0, features_hash="f" * 64
)
ASKED = Asked(
    bar=BAR, version=ModelVersion("m002-1.0"), learner="m002", timeframe="1d", feature_set="m002", is_shadow=False,
    ab_test_id=None,
)  # fmt: skip


def answer(said: dict[str, Any], action: str = "long") -> Answer:
    decision = {"ticker": "BTCUSDT", "ts": START, "action": action, "probability": 0.6, "position_size": 0.5}
    return Answer(asked=ASKED, said={"ticker": "BTCUSDT", "ts": START, **said}, decision=decision)


@pytest.mark.parametrize(("action", "signal"), [("long", "buy"), ("short", "sell"), ("flat", "hold")])
def test_a_learner_without_words_of_its_own_is_told_in_those_of_the_table(action: str, signal: str) -> None:
    found = signal_of(answer({"pred": float("nan")}, action))
    assert (found.signal, found.confidence, found.atr, found.entry_price) == (signal, 0.6, None, 40.0)


def test_a_learner_with_words_of_its_own_keeps_them() -> None:
    found = signal_of(answer({"signal": "sell", "confidence": 1.0000001, "atr_14": 2.0}))
    assert (found.signal, found.confidence, found.atr) == ("sell", 1.0, 2.0)


def test_what_was_said_is_kept_whole_and_as_json() -> None:
    one = answer({"pred": float("nan"), "date": START.date(), "prob": 0.25})
    inference, trajectory = inference_of(one, START), trajectory_of(one, START)
    assert inference.response_payload["said"] == {"pred": None, "date": "2026-03-02", "prob": 0.25}
    assert inference.response_payload["decision"] == {"action": "long", "probability": 0.6, "position_size": 0.5}
    assert trajectory.decision_features["version"] == "m002-1.0"
    assert trajectory.source_event_id == signal_of(one).id and trajectory.inference_id == inference.inference_id


class Silent:
    """A learner that has nothing to say of some bars."""

    def __init__(self, said: dict[str, Any], probability: float | None) -> None:
        self._row = {"ticker": "BTCUSDT", "ts": START, **said}
        self._probability = probability

    def predict(self, model: object, bars: pl.DataFrame, since: object = None) -> pl.DataFrame:
        return pl.DataFrame([self._row])

    def decide(self, predictions: pl.DataFrame) -> pl.DataFrame:
        return predictions.select("ticker", "ts", action=pl.lit("flat"), probability=pl.lit(self._probability))


@pytest.mark.parametrize(
    ("said", "probability", "n"),
    [
        ({}, 0.5, 1),
        ({}, None, 0),
        ({}, float("nan"), 0),
        ({"signal": "hold", "confidence": 0.5}, None, 1),
        ({"signal": None, "confidence": 0.5}, 0.5, 0),
    ],
)
def test_where_a_version_has_nothing_to_say_there_is_no_answer(
    said: dict[str, Any], probability: float | None, n: int
) -> None:
    learner: Any = Silent(said, probability)
    assert len(answers_of(learner, None, pl.DataFrame(), [ASKED])) == n
