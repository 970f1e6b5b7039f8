"""What a close brought and what was recommended, against computations of their own."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.errors import BeforeOpenError
from pawl.ledger.event_payloads import FrozenContext
from pawl.ledger.identity import identity
from pawl.serving.actions import closing, opening, recommended
from pawl.serving.asked import Asked
from pawl.serving.bodies import CloseBody, OpenBody, RecommendationBody
from pawl.serving.inferred_plans import InferredPlan
from pawl.serving.market_view import NoMarket
from pawl.serving.opened_trades import OpenedTrade

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
ANN, TRADE = identity("user", "ann"), identity("trade", "x")
PRICES = st.floats(1.0, 1e5)


def _asked(at: datetime) -> Asked:
    return Asked(user_id=ANN, key="/x k", request_hash="0" * 64, at=at)


def _opened(side: str, entry: float, decision: float | None) -> OpenedTrade:
    body = OpenBody(ticker="X", side=side, size=1000.0, entry_price=entry, decision_price=decision)  # type: ignore[arg-type]
    command = opening(body, _asked(NOW), None, FrozenContext())
    return OpenedTrade(
        trade_id=TRADE, decision_id=TRADE, inference_id=None, opening=command.payload, decision_price=decision
    )


@given(
    side=st.sampled_from([("long", 1), ("short", -1)]), entry=PRICES, leaves=PRICES, decision=PRICES,
    fees=st.floats(-10, 10), marks=st.lists(PRICES, max_size=5),
)  # fmt: skip
def test_an_outcome_is_what_its_formulas_say(
    side: tuple[str, int], entry: float, leaves: float, decision: float, fees: float, marks: list[float]
) -> None:
    word, sign = side
    ends = NOW + timedelta(hours=2)
    times = [NOW + timedelta(minutes=1 + n) for n in range(len(marks))]
    prices = pl.DataFrame({"ts": times, "price": marks}, schema=NoMarket().prices("X", NOW, ends).schema)
    said = closing(
        CloseBody(exit_price=leaves, fees=fees), _asked(ends), _opened(word, entry, decision), prices
    ).payload
    gross = sign * (leaves / entry - 1) * 1000
    assert said.pnl == pytest.approx(gross - fees, abs=1e-6)
    assert said.pnl_bps == pytest.approx((gross - fees) / 1000 * 1e4, abs=1e-5)
    equity = [0.0, *(sign * (mark / entry - 1) * 1e4 for mark in marks), sign * (leaves / entry - 1) * 1e4 - fees * 10]
    peak, fall = 0.0, 0.0
    for value in equity:
        peak = max(peak, value)
        fall = max(fall, peak - value)
    assert said.max_drawdown_bps == pytest.approx(fall, abs=1e-5)
    assert said.slippage_bps == pytest.approx(sign * (entry - decision) / decision * 1e4, abs=1e-6)
    assert said.move_bps == pytest.approx((leaves - decision) / decision * 1e4, abs=1e-6)
    assert said.hold_sec == 7200


def test_without_a_decision_price_there_is_no_slippage_and_the_move_starts_at_the_entry() -> None:
    nothing = NoMarket().prices("X", NOW, NOW)
    said = closing(CloseBody(exit_price=110.0), _asked(NOW), _opened("long", 100.0, None), nothing).payload
    assert (said.slippage_bps, said.move_bps) == (None, pytest.approx(1000.0))


def test_a_close_before_its_open_is_refused() -> None:
    with pytest.raises(BeforeOpenError):
        closing(
            CloseBody(exit_price=1.0), _asked(NOW - timedelta(microseconds=1)), _opened("long", 1.0, None),
            NoMarket().prices("X", NOW, NOW),
        )  # fmt: skip


def test_an_inference_that_names_no_side_leaves_the_client_its_word() -> None:
    inferred = InferredPlan(learner="policy", model_version="policy-1.0", confidence=0.9)
    found = recommended(RecommendationBody(direction="neutral", confidence=0.1, rationale="why"), inferred)
    assert found is not None
    assert (found.direction, found.confidence, found.learner) == ("flat", 0.9, "policy")
    assert recommended(None, inferred) is None
    assert recommended(None, None) is None
