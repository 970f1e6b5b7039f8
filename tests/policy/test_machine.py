"""The trade state machine, one bar at a time, against cases worked out by hand."""

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pawl.policy.machine import FLAT, Bar, ExitReason, Position, Rules, Step, TradeRules, is_uneventful, step

RULES = TradeRules(stop=0.10, target=0.20, trailing=0.15, max_bars=3).compiled()
TRAILING = TradeRules(trailing=0.10).compiled()


def bar(*prices: float) -> Bar:
    """Open, high, low and close; the compiled step knows floats alone."""
    return Bar(*(float(price) for price in prices))


def held(side: int, rules: Rules = RULES, bars_held: int = 1) -> Position:
    """A position opened at 100 some bars ago, its price not moved since."""
    opened = step(FLAT, bar(100, 100, 100, 100), float(side), rules).closed
    return opened._replace(bars_held=bars_held)


def ends(done: Step) -> tuple[str, str, float, int]:
    """Reason at the open, reason inside and its price, and the side held after the bar."""
    return (
        ExitReason(done.open_exit).name,
        ExitReason(done.inside_exit).name,
        round(done.exit_price, 9),
        done.closed.side,
    )


NOTHING = "NONE"


def test_an_order_is_filled_at_the_open_and_sets_its_levels() -> None:
    stop = int(ExitReason.STOP)
    long = step(FLAT, bar(100, 105, 99, 104), 0.5, RULES)
    assert long.opened == pytest.approx(Position(1, 0.5, 100.0, 90.0, stop, 120.0, 0))
    assert long.closed == pytest.approx(Position(1, 0.5, 100.0, 90.0, stop, 120.0, 1))
    short = step(FLAT, bar(100, 105, 99, 104), -0.5, RULES)
    assert short.opened == pytest.approx(Position(-1, -0.5, 100.0, 110.0, stop, 80.0, 0))
    assert short.closed == pytest.approx(Position(-1, -0.5, 100.0, 110.0, stop, 80.0, 1))


def test_without_an_order_nothing_is_opened() -> None:
    assert step(FLAT, bar(100, 150, 50, 120), 0.0, RULES) == Step(FLAT, FLAT, 0, 0.0, 0)


@pytest.mark.parametrize(
    ("side", "prices", "expected"),
    [
        # inside the bar
        (1, bar(100, 101, 89.9, 95), (NOTHING, "STOP", 90.0, 0)),
        (1, bar(100, 101, 90.0, 95), (NOTHING, "STOP", 90.0, 0)),
        (1, bar(100, 101, 90.1, 95), (NOTHING, NOTHING, 0.0, 1)),
        (1, bar(100, 120, 99, 110), (NOTHING, "TARGET", 120.0, 0)),
        (-1, bar(100, 110.1, 99, 105), (NOTHING, "STOP", 110.0, 0)),
        (-1, bar(100, 101, 79, 85), (NOTHING, "TARGET", 80.0, 0)),
        # both inside: the stop
        (1, bar(100, 125, 85, 100), (NOTHING, "STOP", 90.0, 0)),
        (-1, bar(100, 115, 75, 100), (NOTHING, "STOP", 110.0, 0)),
        # passed at the open: filled there
        (1, bar(85, 130, 80, 100), ("STOP", NOTHING, 0.0, 0)),
        (1, bar(130, 131, 85, 100), ("TARGET", NOTHING, 0.0, 0)),
        (-1, bar(115, 116, 70, 100), ("STOP", NOTHING, 0.0, 0)),
        (-1, bar(75, 120, 70, 100), ("TARGET", NOTHING, 0.0, 0)),
    ],
)
def test_stop_and_target_are_resolved_adverse_first(
    side: int, prices: Bar, expected: tuple[str, str, float, int]
) -> None:
    assert ends(step(held(side), prices, float(side), RULES)) == expected


def test_a_position_is_exposed_on_the_bar_that_opens_it() -> None:
    assert ends(step(FLAT, bar(100, 125, 85, 100), 1.0, RULES)) == (NOTHING, "STOP", 90.0, 0)
    assert ends(step(FLAT, bar(100, 125, 95, 100), 1.0, RULES)) == (NOTHING, "TARGET", 120.0, 0)


def test_the_trailing_stop_follows_the_peak_up_to_the_bar_before() -> None:
    # High 120 and low 101 in one bar: a peak of 120 would have stopped it at 108, but which came first is unknown.
    rising = step(held(1, TRAILING), bar(100, 120, 101, 110), 1.0, TRAILING)
    assert ends(rising) == (NOTHING, NOTHING, 0.0, 1)
    assert rising.closed.stop == pytest.approx(108.0)
    assert ends(step(rising.closed, bar(110, 111, 107, 109), 1.0, TRAILING)) == (NOTHING, "TRAILING", 108.0, 0)
    assert ends(step(rising.closed, bar(107, 111, 106, 109), 1.0, TRAILING)) == ("TRAILING", NOTHING, 0.0, 0)
    falling = step(held(-1, TRAILING), bar(100, 101, 80, 90), -1.0, TRAILING)
    assert falling.closed.stop == pytest.approx(88.0)
    assert ends(step(falling.closed, bar(85, 89, 84, 86), -1.0, TRAILING)) == (NOTHING, "TRAILING", 88.0, 0)


@pytest.mark.parametrize(
    ("high", "price", "reason"), [(105.0, 90.0, "STOP"), (110.0, 93.5, "TRAILING"), (118.0, 100.3, "TRAILING")]
)
def test_of_the_fixed_and_the_trailing_stop_the_nearer_one_counts(high: float, price: float, reason: str) -> None:
    risen = step(held(1), bar(101, high, 101, 104), 1.0, RULES).closed
    assert ends(step(risen, bar(104, 104, 50, 60), 1.0, RULES)) == (NOTHING, reason, price, 0)


def test_a_trailing_stop_never_moves_back() -> None:
    risen = step(held(1, TRAILING), bar(100, 120, 110, 115), 1.0, TRAILING).closed
    assert step(risen, bar(115, 116, 109, 110), 1.0, TRAILING).closed.stop == risen.stop


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from([-1, 0, 1]),
    st.lists(st.integers(70, 130), min_size=4, max_size=4),
    st.sampled_from([-1.0, 0.0, 0.5, 1.0]),
    st.sampled_from([RULES, TRAILING, TradeRules().compiled()]),
    st.integers(0, 4),
)
def test_an_uneventful_bar_is_one_on_which_a_step_does_nothing(
    side: int, prices: list[int], order: float, rules: Rules, bars_held: int
) -> None:
    low, opened, closed, high = sorted(prices)
    day = bar(opened, high, low, closed)
    before = held(side, rules, bars_held) if side else FLAT
    done = step(before, day, order, rules)
    nothing_filled = (done.open_exit, done.inside_exit, done.opened) == (0, 0, before)
    assert is_uneventful(before, day, order, rules) == nothing_filled


def test_an_order_for_flat_closes_at_the_open() -> None:
    assert ends(step(held(1), bar(100, 125, 85, 100), 0.0, RULES)) == ("DECISION", NOTHING, 0.0, 0)


def test_a_reversal_closes_and_opens_at_one_open() -> None:
    done = step(held(1), bar(100, 105, 99, 104), -1.0, RULES)
    assert ends(done) == ("DECISION", NOTHING, 0.0, -1)
    assert (done.opened.entry_price, done.closed.bars_held) == (100.0, 1)
    assert ends(step(held(1), bar(100, 112, 99, 104), -1.0, RULES)) == ("DECISION", "STOP", 110.0, 0)
    gapped = step(held(1), bar(85, 86, 84, 85), -1.0, RULES)
    assert (ends(gapped), gapped.opened.entry_price) == (("STOP", NOTHING, 0.0, -1), 85.0)


def test_a_stopped_side_is_entered_again_at_the_next_open_not_at_the_same_one() -> None:
    stopped = step(held(1), bar(85, 86, 84, 85), 1.0, RULES)
    assert stopped.closed == FLAT
    assert step(stopped.closed, bar(86, 87, 85, 86), 1.0, RULES).opened.entry_price == 86


def test_a_position_held_for_its_maximum_is_closed_at_the_next_open() -> None:
    position, calm = FLAT, bar(100, 101, 99, 100)
    for _ in range(3):
        position = step(position, calm, 1.0, RULES).closed
        assert position.side == 1
    assert ends(step(position, calm, 1.0, RULES)) == ("TIME", NOTHING, 0.0, 0)


def test_resizing_moves_no_level() -> None:
    resized = step(held(1), bar(105, 106, 104, 105), 0.25, RULES).opened
    assert resized == held(1)._replace(size=0.25)


def test_without_rules_nothing_but_an_order_closes() -> None:
    none = TradeRules().compiled()
    assert none[:3] == (inf, inf, inf)
    assert ends(step(held(1, none), bar(1, 1e6, 1e-6, 2), 1.0, none)) == (NOTHING, NOTHING, 0.0, 1)
    assert ends(step(held(-1, none), bar(1, 1e6, 1e-6, 2), -1.0, none)) == (NOTHING, NOTHING, 0.0, -1)


@pytest.mark.parametrize("wrong", [{"stop": 0.0}, {"target": -0.1}, {"max_bars": 0}, {"stop": inf}, {"stopp": 0.1}])
def test_rules_that_mean_nothing_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        TradeRules.model_validate(wrong)
