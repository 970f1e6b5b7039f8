"""What a simulated user does: how a trade ends, what it rests on, and that the disciplined stay disciplined."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from pawl.policy.action import Action
from pawl.policy.crowd import (
    Call,
    Moment,
    Order,
    Position,
    Track,
    Tracked,
    Trader,
    conversion_of,
    exit_of,
    order_of,
    revenge_of,
)
from pawl.policy.personas import CROWD, PERSONAS, Persona, persona_of

AT = datetime(2024, 2, 1, tzinfo=UTC)
CALM = Moment(at=AT, ticker="A", price=100.0, open=100.0, high=100.2, low=99.8, volatility=0.01, stretch=0.3)
HOT = replace(CALM, ticker="B", stretch=2.5)
CALL = Call(inference_id="i", direction=Action.SHORT, sl_bps=240, tp_bps=240, price=100.0, at=AT)
EAGER = {"acts_per_day": 96.0}


def dice(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def trader(name: str = "disciplined", **changes: object) -> Trader:
    return Trader(persona=replace(PERSONAS[name], **changes), size_pct=3.0, leverage=2.0)  # type: ignore[arg-type]


def position(side: Action = Action.LONG, **changes: object) -> Position:
    sign = side.sign
    opened = Position(
        name="open-1", ticker="A", side=side, size_pct=3.0, leverage=2.0, entry_price=100.0,
        stop_price=100.0 - 2 * sign, target_price=100.0 + 2 * sign, stop_reach=0.02, opened_at=AT,
    )  # fmt: skip
    return replace(opened, **changes)  # type: ignore[arg-type]


def later(hours: float, **changes: float) -> Moment:
    return replace(CALM, at=AT + timedelta(hours=hours), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("side", [Action.LONG, Action.SHORT])
def test_a_stop_that_is_kept_fills_a_little_beyond_its_price(side: Action) -> None:
    hit = later(1, low=97.9, high=102.1)
    kept, ended = exit_of(trader(delays_stop=0.0), position(side), hit, dice())
    assert ended is not None
    slipped = side.sign * (kept.stop_price or 0) - side.sign * ended.price
    assert 0 <= slipped <= 0.05
    # The market opened beyond it: that is the price there was.
    gap = replace(hit, open=100.0 - 5 * side.sign)
    _, ended = exit_of(trader(delays_stop=0.0), position(side), gap, dice())
    assert ended is not None
    assert ended.price == pytest.approx(100.0 - 5 * side.sign, rel=5e-4)


def test_a_stop_that_is_delayed_ends_far_beyond_it_or_where_it_began() -> None:
    late, ended = exit_of(trader(delays_stop=1.0), position(), later(1, low=97.9), dice())
    assert (late.is_late, ended) == (True, None)
    for price, has_ended in ((97.0, False), (95.6, True), (99.9, False), (100.0, True)):
        _, ended = exit_of(trader(), late, later(2, price=price, low=price), dice())
        assert (ended is not None) == has_ended


def test_a_target_ends_a_trade_and_so_does_time() -> None:
    _, ended = exit_of(trader(), position(), later(1, high=102.5), dice())
    assert ended is not None
    assert ended.price == 102.0
    assert exit_of(trader(), position(), later(23), dice())[1] is None
    assert exit_of(trader(), position(), later(24), dice())[1] is not None
    # Whoever holds losers gives only them more time.
    holder = trader("loser_holder")
    assert exit_of(holder, position(), later(30, price=99.5), dice())[1] is None
    assert exit_of(holder, position(), later(30, price=100.5), dice())[1] is not None
    assert exit_of(holder, position(), later(36, price=99.5), dice())[1] is not None


def test_without_a_stop_there_is_an_end_all_the_same() -> None:
    bare = position(stop_price=None)
    assert exit_of(trader(), bare, later(1, price=93.0, low=93.0), dice())[1] is None
    assert exit_of(trader(), bare, later(1, price=91.9, low=91.9), dice())[1] is not None


def orders(one: Trader, n: int = 400) -> list[Order]:
    found = [order_of(one, (CALM, HOT), (CALL, None), dice(seed)) for seed in range(n)]
    return [each for each in found if isinstance(each, Order)]


def test_the_disciplined_set_a_stop_keep_their_leverage_and_never_chase() -> None:
    found = orders(trader(has_stop=1.0, overrides=0.0, **EAGER))
    assert len(found) > 100
    for order in found:
        assert order.leverage == 2.0
        assert 3.0 * 0.88 <= order.size_pct <= 3.0 * 1.12
        assert order.stop_price is not None
        assert (order.price - order.stop_price) * order.side.sign > 0
        assert (order.target_price - order.price) * order.side.sign > 0
        if order.call is None:
            assert not (order.ticker == "B" and order.side is Action.LONG)
        else:
            assert (order.ticker, order.side) == ("A", Action.SHORT)


def test_a_chaser_runs_after_what_is_most_stretched() -> None:
    found = orders(trader("overbought_chaser", follows=0.0, chases=1.0, **EAGER))
    assert {(order.ticker, order.side) for order in found} == {("B", Action.LONG)}
    calm = trader("overbought_chaser", follows=0.0, chases=1.0, **EAGER)
    assert order_of(calm, (CALM,), (None,), dice()) is None


def test_an_overrider_trades_against_the_call() -> None:
    found = orders(trader("overrider", follows=1.0, tracks=0.0, overrides=1.0, **EAGER))
    assert {order.side for order in found} == {Action.LONG}
    assert {order.call for order in found} == {CALL}


def test_a_call_may_be_tracked_and_converted_within_two_hours() -> None:
    one = trader(follows=1.0, tracks=1.0, overrides=0.0, **EAGER)
    assert order_of(one, (CALM, HOT), (CALL, None), dice()) == Track(ticker="A", call=CALL)
    tracked = Tracked(name="track-1", ticker="A", call=CALL, at=AT)
    found = [conversion_of(one, tracked, later(1), dice(seed)) for seed in range(200)]
    converted = [order for order, is_waiting in found if order is not None and not is_waiting]
    assert 5 < len(converted) < 60
    assert {order.side for order in converted} == {Action.SHORT}
    assert all(is_waiting for order, is_waiting in found if order is None)
    assert conversion_of(one, tracked, later(2.1), dice()) == (None, False)


def test_a_loss_is_answered_by_who_seeks_revenge_alone() -> None:
    lost = position()
    avenger = replace(trader("revenge_trader", revenge=1.0), lost=lost)
    answer = revenge_of(avenger, later(1), dice())
    assert answer is not None
    assert answer.size_pct >= 1.5 * 3.0
    assert revenge_of(replace(avenger, lost=None), later(1), dice()) is None
    assert revenge_of(replace(trader(), lost=lost), later(1), dice()) is None


def test_after_a_trade_everybody_rests_and_nobody_holds_more_than_three() -> None:
    one = trader(**EAGER)
    rested = [replace(one, closed_at=AT - timedelta(minutes=minutes)) for minutes in (60, 75)]
    assert [bool(orders(each, 50)) for each in rested] == [False, True]
    full = replace(one, positions=(position(),) * 3)
    assert orders(full, 50) == []


def test_in_a_market_of_unknown_volatility_nobody_trades() -> None:
    unknown = replace(CALM, volatility=None, stretch=None)
    one = trader(tracks=0.0, **EAGER)
    assert [order_of(one, (unknown,), (CALL,), dice(seed)) for seed in range(50)] == [None] * 50


def test_every_weakness_has_one_persona_and_the_disciplined_have_none() -> None:
    weaknesses = [persona.weakness for persona in PERSONAS.values()]
    assert len(set(weaknesses)) == len(PERSONAS) == len(set(CROWD))
    assert PERSONAS["disciplined"].weakness is None
    assert [persona_of(number).name for number in range(len(CROWD))] == list(CROWD)
    assert isinstance(persona_of(10**6), Persona)
