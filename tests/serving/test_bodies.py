"""What a body may hold: every text and number within its bounds, whatever is sent."""

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pawl.serving.bodies import CloseBody, OpenBody, TrackBody
from serving_world import OPEN, TRACK


@given(st.text(max_size=45))
def test_a_ticker_names_no_folder_and_holds_nothing_unprintable(text: str) -> None:
    try:
        body = OpenBody.model_validate({**OPEN, "ticker": text})
    except ValidationError:
        return
    assert re.fullmatch(r"[A-Za-z0-9._=^:/-]{1,40}", body.ticker)
    assert ".." not in body.ticker and "//" not in body.ticker and not body.ticker.startswith(("/", "."))


@pytest.mark.parametrize("ticker", ["BTCUSDT", "BTC/USDT:USDT", "EURUSD=X", "BRK.B", "BTC-PERP", "1INCHUSDT", "a_b"])
def test_the_names_of_markets_are_taken(ticker: str) -> None:
    assert TrackBody.model_validate({**TRACK, "ticker": ticker}).ticker == ticker


@given(st.floats() | st.integers() | st.booleans() | st.text() | st.none() | st.lists(st.none(), max_size=1))
def test_what_passes_as_a_price_is_a_finite_positive_number(value: Any) -> None:
    try:
        body = CloseBody.model_validate({"exit_price": value})
    except ValidationError:
        return
    assert not isinstance(value, bool | str)
    assert math.isfinite(body.exit_price) and body.exit_price > 0


@given(st.text(max_size=50))
def test_a_rationale_holds_no_control_character_but_line_ends_and_tabs(text: str) -> None:
    try:
        body = TrackBody.model_validate({**TRACK, "rationale": text})
    except ValidationError:
        assert not text or any(
            ord(char) < 32 or 127 <= ord(char) < 160 or 0xD800 <= ord(char) < 0xE000 for char in text
        )
        return
    assert body.rationale == text
    assert not any(ord(char) < 32 and char not in "\n\t" for char in text)
