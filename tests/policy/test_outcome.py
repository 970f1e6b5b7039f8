"""The measures of an outcome against cases worked out by hand and a plain walk through the prices."""

from datetime import UTC, datetime, timedelta
from itertools import accumulate
from math import inf, nan

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.errors import InputError
from pawl.policy.outcome import Fill, Outcome, hold_sec, max_drawdown_bps, outcome_of, pnl_bps, slippage_bps

START = datetime(2024, 1, 1, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def fill(minutes: float, quantity: float, price: float, cost: float = 0.0) -> Fill:
    return Fill(at=at(minutes), quantity=quantity, price=price, cost=cost)


def path(*prices: float, start: float = 1.0) -> pl.DataFrame:
    """A price each minute from `start` on."""
    ts = [at(start + number) for number in range(len(prices))]
    return pl.DataFrame({"ts": ts, "price": prices}, schema={"ts": pl.Datetime("us", "UTC"), "price": pl.Float64})


LONG = (fill(0, 2.0, 100.0, 0.2), fill(10, -2.0, 103.0, 0.206))
SHORT = (fill(0, -2.0, 100.0, 0.2), fill(10, 2.0, 103.0, 0.206))


def test_pnl_is_net_of_fees_in_bps_of_entry_notional() -> None:
    # (2 · 3 − 0.406) / 200, and (−2 · 3 − 0.406) / 200
    assert pnl_bps(LONG) == pytest.approx(279.7)
    assert pnl_bps(SHORT) == pytest.approx(-320.3)


def test_pnl_of_a_position_built_and_sold_in_parts() -> None:
    # Bought 1 at 100 and 1 at 110: 210. Sold at 120 and 90: 210. Fees of 2.1 are all that is lost.
    parts = (fill(0, 1, 100, 1.0), fill(1, 1, 110, 0.1), fill(2, -1, 120, 0.5), fill(3, -1, 90, 0.5))
    assert pnl_bps(parts) == pytest.approx(-100.0)


def test_the_time_held_is_in_seconds() -> None:
    assert hold_sec(LONG) == 600.0
    assert hold_sec((fill(0, 1, 100), fill(0, -1, 100))) == 0.0


@pytest.mark.parametrize(
    ("quantity", "price", "expected"), [(1, 100.1, 10.0), (1, 99.9, -10.0), (-1, 99.9, 10.0), (-1, 100.1, -10.0)]
)
def test_slippage_is_positive_when_it_is_worse(quantity: float, price: float, expected: float) -> None:
    assert slippage_bps((fill(0, quantity, price),), 100.0) == pytest.approx(expected)


def test_slippage_weighs_fills_by_quantity() -> None:
    assert slippage_bps((fill(0, 3, 100.1), fill(0, 1, 100.5)), 100.0) == pytest.approx(20.0)


def test_drawdown_is_the_largest_fall_from_the_running_peak() -> None:
    free = (fill(0, 1, 100), fill(10, -1, 104))
    # Up to 105, down to 98: a fall of 7 on 100, though never more than 2 below the entry.
    assert max_drawdown_bps(free, path(103, 105, 101, 98, 102)) == pytest.approx(700.0)
    short = (fill(0, -1, 100), fill(10, 1, 96))
    assert max_drawdown_bps(short, path(97, 95, 101, 99)) == pytest.approx(600.0)


def test_the_peak_starts_at_the_entry() -> None:
    assert max_drawdown_bps((fill(0, 1, 100), fill(10, -1, 101)), path(97, 98)) == pytest.approx(300.0)


def test_a_position_that_only_rose_has_no_drawdown_but_its_fees() -> None:
    assert max_drawdown_bps((fill(0, 1, 100), fill(10, -1, 110)), path(101, 105, 108)) == 0.0
    assert max_drawdown_bps((fill(0, 1, 100, 0.05), fill(10, -1, 110)), path(101, 105)) == pytest.approx(5.0)


def test_the_last_fill_counts_and_no_price_outside_does() -> None:
    fills = (fill(5, 1, 100), fill(8, -1, 96))
    prices = pl.concat([path(10, 1000, start=1), path(101, 102, start=6), path(1, 5000, start=9)])
    # From 102 to the close at 96.
    assert max_drawdown_bps(fills, prices) == pytest.approx(600.0)
    assert max_drawdown_bps(fills, path().clear()) == pytest.approx(400.0)


def test_a_position_sold_in_half_falls_half_as_fast() -> None:
    halves = (fill(0, 2, 100), fill(2.5, -1, 110), fill(10, -1, 90))
    # Equity 20 at the peak of 110; then one unit from 110 to 90: −20 on 200.
    assert max_drawdown_bps(halves, path(105, 110, 100, 90)) == pytest.approx(1000.0)


def test_the_order_of_prices_does_not_matter() -> None:
    prices = path(103, 105, 101, 98, 102)
    assert max_drawdown_bps(LONG, prices.reverse()) == max_drawdown_bps(LONG, prices)


def walked(fills: tuple[Fill, ...], prices: pl.DataFrame) -> float:
    """Section 5, one event after the other."""
    done = [(one.at, 0, one.price, one.quantity, one.cost) for one in fills]
    marks = [(row["ts"], 1, row["price"], 0.0, 0.0) for row in prices.iter_rows(named=True)]
    events = sorted(done + marks, key=lambda event: event[:2])
    notional, quantity, cash, peak, worst = 0.0, 0.0, 0.0, 0.0, 0.0
    side = fills[0].quantity
    for when, _, price, bought, cost in events:
        if not fills[0].at <= when <= fills[-1].at:
            continue
        quantity += bought
        cash -= bought * price + cost
        notional += abs(bought) * price if bought * side > 0 else 0.0
        peak = max(peak, cash + quantity * price)
        worst = max(worst, peak - (cash + quantity * price))
    return worst / notional * 1e4


steps = st.lists(st.integers(80, 120).map(float), max_size=30)


@given(
    st.sampled_from([1.0, -1.0]),
    steps,
    st.lists(st.tuples(st.integers(0, 20), st.integers(90, 110)), min_size=3, max_size=3),
    st.floats(0, 1),
)
def test_drawdown_agrees_with_a_plain_walk_and_is_never_below_the_loss(
    side: float, prices: list[float], parts: list[tuple[int, int]], cost: float
) -> None:
    times = list(accumulate(minutes for minutes, _ in parts))
    quantities = (2 * side, side, -3 * side)
    fills = tuple(
        Fill(at=at(when), quantity=quantity, price=float(price), cost=cost)
        for when, quantity, (_, price) in zip(times, quantities, parts, strict=True)
    )
    found = max_drawdown_bps(fills, path(*prices))
    assert found == pytest.approx(walked(fills, path(*prices)), abs=1e-6)
    assert found >= max(0.0, -pnl_bps(fills)) - 1e-6


def test_an_outcome_holds_all_four() -> None:
    found = outcome_of(LONG, path(101, 99), decision_price=99.9)
    assert found == Outcome(
        pnl_bps=pytest.approx(279.7),  # type: ignore[arg-type]  # stands for a float
        max_drawdown_bps=pytest.approx(200.0),  # type: ignore[arg-type]  # as above
        hold_sec=600.0,
        slippage_bps=pytest.approx(10.01001),  # type: ignore[arg-type]  # as above
    )


@pytest.mark.parametrize(
    "fills",
    [
        (),
        (fill(0, 1, 100),),
        (fill(0, 1, 100), fill(1, -0.5, 100)),
        (fill(0, 1, 100), fill(1, -2, 100)),
        (fill(0, 1, 100), fill(1, -1, 100), fill(2, 1, 100), fill(3, -1, 100)),
        (fill(0, 1, 100), fill(1, -2, 100), fill(2, 1, 100)),
        (fill(1, 1, 100), fill(0, -1, 100)),
    ],
)
def test_fills_that_are_not_one_closed_position_are_refused(fills: tuple[Fill, ...]) -> None:
    for measure in (pnl_bps, hold_sec, lambda these: max_drawdown_bps(these, path(100))):
        with pytest.raises(InputError):
            measure(fills)


def test_a_remainder_of_rounding_is_a_closed_position() -> None:
    thirds = (fill(0, 0.3, 100), fill(1, -0.1, 100), fill(2, -0.1, 100), fill(3, -0.1, 100))
    assert sum(one.quantity for one in thirds) != 0
    assert pnl_bps(thirds) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("wrong", [{"quantity": 0.0}, {"quantity": nan}, {"price": 0.0}, {"price": inf}, {"cost": nan}])
def test_a_fill_that_is_none_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Fill(**{"at": START, "quantity": 1.0, "price": 100.0, **wrong})  # type: ignore[arg-type]  # its own fields


@pytest.mark.parametrize("price", [nan, 0.0, -1.0, inf])
def test_a_price_that_is_none_is_refused(price: float) -> None:
    with pytest.raises(InputError, match="mend the prices"):
        max_drawdown_bps(LONG, path(101, price))
    with pytest.raises(InputError, match="decision at the price"):
        outcome_of(LONG, path(101), decision_price=price)
