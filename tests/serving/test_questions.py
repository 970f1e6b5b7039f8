"""From a body to a question: which bars count, on which calendar, and what the ledger keeps of it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pawl.errors import InputError, TooLittleDataError
from pawl.learners.reversal import Reversal
from pawl.market.calendars import Calendar
from pawl.serving.prediction_bodies import PredictBody
from pawl.serving.questions import of_bars, of_features
from predict_world import BAR, bars, ready
from reversal_market import fx_bars
from serving_world import NOW
from tiny_learner import Tiny

SPEC = Tiny.spec


def body(**fields: Any) -> PredictBody:
    return PredictBody.model_validate(fields)


def test_the_same_bars_are_the_same_question_and_other_ones_another() -> None:
    asked = [of_bars(body(ticker="A", market_data=bars(n)), SPEC, NOW, None) for n in (60, 60, 59)]
    assert asked[0].prompt_hash == asked[1].prompt_hash != asked[2].prompt_hash
    assert {one.bar_timestamp for one in asked} == {BAR}
    moved = [{**row, "close": row["close"] + 0.001} for row in bars()]
    assert of_bars(body(ticker="A", market_data=moved), SPEC, NOW, None).prompt_hash != asked[0].prompt_hash
    assert of_bars(body(ticker="B", market_data=bars()), SPEC, NOW, None).prompt_hash != asked[0].prompt_hash


def test_features_are_kept_as_text_that_reads_back_to_the_bit() -> None:
    row = [0.1 + 0.2, -1e-17, 3.0, 12345678.123456789]
    asked = of_features(body(**ready(features=[row, row])), SPEC, NOW, None)
    lines = json.loads(asked.prompt)["features"].split("\n")
    assert [[float(text) for text in line.split()] for line in lines] == [row, row]
    assert asked.rows is not None
    assert asked.rows.tolist() == [row, row]


def test_currencies_are_read_on_their_own_calendar() -> None:
    euro = fx_bars(700).filter(ticker="EURUSD")
    rows = euro.select("ts", "open", "high", "low", "close", "volume").to_dicts()
    after = euro["available_at"][-1] + timedelta(seconds=1)
    asked = of_bars(body(pair="EURUSD", market_data=rows), Reversal().spec, after, None)
    assert asked.bars is not None
    assert asked.bars["session"].diff().drop_nulls().unique().to_list() == [1]
    assert asked.bar_timestamp == euro["ts"][-1]


def test_fewer_bars_than_the_features_look_back_on_are_too_few() -> None:
    euro = fx_bars(598).filter(ticker="EURUSD")
    rows = euro.select("ts", "open", "high", "low", "close", "volume").to_dicts()
    with pytest.raises(TooLittleDataError, match=r"598 bars that have closed.*send 599"):
        of_bars(body(pair="EURUSD", market_data=rows), Reversal().spec, NOW + timedelta(days=900), None)


def test_a_day_of_an_exchange_closes_when_the_exchange_does() -> None:
    nyse, thursday = Calendar("XNYS"), datetime(2024, 2, 29, tzinfo=UTC)
    asked = body(**ready(at=thursday))
    with pytest.raises(InputError, match="had not closed"):
        of_features(asked, SPEC, thursday + timedelta(hours=21), nyse)
    assert of_features(asked, SPEC, thursday + timedelta(hours=21, seconds=1), nyse).bar_timestamp == thursday
    with pytest.raises(InputError, match="does not exist"):
        of_features(body(**ready(at=datetime(2024, 2, 24, tzinfo=UTC))), SPEC, NOW, nyse)


def test_a_bar_outside_its_calendar_is_refused() -> None:
    with pytest.raises(InputError, match="has no bar at"):
        of_bars(body(ticker="A", market_data=bars()), SPEC, NOW, Calendar("XNYS"))


def test_an_instant_in_another_zone_is_the_same_bar() -> None:
    here = ready()
    there = ready() | {"bar_timestamp": "2024-02-29T01:00:00+01:00"}
    assert len({of_features(body(**one), SPEC, NOW, None).prompt_hash for one in (here, there)}) == 1
