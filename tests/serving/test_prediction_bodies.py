"""What the body of a prediction allows: one ticker, one input, and nothing that is no number."""

from typing import Any

import pytest
from pydantic import ValidationError

from pawl.serving.prediction_bodies import PredictBody
from predict_world import bars, ready


@pytest.mark.parametrize(("features", "rows"), [([0.1, 0.2], [[0.1, 0.2]]), ([[0.1], [0.2]], [[0.1], [0.2]])])
def test_one_row_may_stand_alone_and_several_in_a_list(features: Any, rows: list[list[float]]) -> None:
    assert PredictBody.model_validate(ready(features=features)).rows == rows


def test_bars_have_no_rows_and_a_pair_is_as_good_as_a_ticker() -> None:
    body = PredictBody.model_validate({"pair": "EURUSD", "market_data": bars(3)})
    assert (body.rows, body.name, body.learner) == ([], "EURUSD", "reversal")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ticker": None}, "name one"),
        ({"pair": "EURUSD"}, "name one"),
        ({"features": [[0.1], [0.1, 0.2]]}, "more than one length"),
        ({"features": []}, "at least 1 item"),
        ({"bar_timestamp": None}, "stands with"),
        ({"version": "m002-1.0;"}, "pattern"),
        ({"timeframe": "0m"}, "pattern"),
        ({"ticker": "../etc"}, "pattern"),
    ],
)
def test_what_asks_nothing_or_two_things_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        PredictBody.model_validate({**ready(), **change})
