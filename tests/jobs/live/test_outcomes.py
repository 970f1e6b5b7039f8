"""What became of a signal, against an independent walk through its bars."""

import random
from dataclasses import dataclass

import pytest

from pawl.evaluation.costs import Costs
from pawl.jobs.live.outcomes import Position, virtual_outcome

FREE = Costs(fee_bps=0, slippage_bps=0)


@dataclass(frozen=True)
class Bar:
    open: float
    high: float
    low: float
    close: float


def flat(n: int) -> list[Bar]:
    return [Bar(100.0, 100.5, 99.5, 100.0)] * n


def position(side: str = "buy", atr: float | None = 1.0, horizon: int = 16) -> Position:
    return Position(side=side, entry=100.0, atr=atr, horizon_bars=horizon)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("side", "bar", "outcome", "pnl"),
    [
        ("buy", Bar(100.0, 101.5, 99.5, 101.0), "win", 0.015),
        ("buy", Bar(100.0, 100.5, 99.0, 99.2), "loss", -0.01),
        ("sell", Bar(100.0, 100.5, 98.5, 99.0), "win", 0.015),
        ("sell", Bar(100.0, 101.0, 99.5, 100.5), "loss", -0.01),
    ],
)
def test_rev_r7_stop_and_target_set_outcome_and_result(side: str, bar: Bar, outcome: str, pnl: float) -> None:
    found = virtual_outcome(position(side), [*flat(3), bar, *flat(2)], FREE)
    assert found is not None and (found.outcome, found.place) == (outcome, 3)
    assert found.pnl == pytest.approx(pnl)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_rev_r8_both_barriers_in_one_bar_count_as_the_adverse_one(side: str) -> None:
    found = virtual_outcome(position(side), [Bar(100.0, 102.0, 98.0, 100.0)], FREE)
    assert found is not None and found.outcome == "loss" and found.pnl == pytest.approx(-0.01)


def test_a_bar_that_opens_beyond_the_stop_ends_at_its_open() -> None:
    found = virtual_outcome(position("buy"), [Bar(97.0, 97.5, 96.0, 97.2)], FREE)
    assert found is not None and found.pnl == pytest.approx(-0.03)
    found = virtual_outcome(position("sell"), [Bar(103.0, 104.0, 102.5, 103.0)], FREE)
    assert found is not None and found.pnl == pytest.approx(-0.03)


def test_the_horizon_ends_what_nothing_else_does() -> None:
    assert virtual_outcome(position(), flat(15), FREE) is None
    bars = [*flat(15), Bar(100.0, 100.9, 99.5, 100.4), Bar(100.0, 150.0, 50.0, 100.0)]
    found = virtual_outcome(position(), bars, FREE)
    assert found is not None and found.outcome == "expired" and found.pnl == pytest.approx(0.004)


def test_costs_are_those_of_both_sides() -> None:
    costs = Costs(fee_bps=3, slippage_bps=2)
    found = virtual_outcome(position(), [Bar(100.0, 101.5, 99.5, 101.0)], costs)
    assert found is not None and found.pnl == pytest.approx(0.015 - 0.0005 * (1 + 1.015))
    dear = virtual_outcome(position(), [Bar(100.0, 101.5, 99.5, 101.0)], Costs(fee_bps=100, slippage_bps=0))
    assert dear is not None and dear.outcome == "loss"  # a target that does not earn its costs


def test_nothing_left_after_costs_is_breakeven() -> None:
    even = Position(side="buy", entry=100.0, atr=None, horizon_bars=1)
    found = virtual_outcome(even, [Bar(100.0, 101.0, 99.0, 100.0)], FREE)
    assert found is not None and found.outcome == "breakeven" and found.pnl == 0.0


def test_without_an_atr_only_the_horizon_ends_a_position() -> None:
    bars = [Bar(100.0, 120.0, 80.0, 100.0), Bar(100.0, 101.0, 99.0, 102.0)]
    found = virtual_outcome(position(atr=None, horizon=2), bars, FREE)
    assert found is not None and (found.outcome, found.place) == ("win", 1) and found.pnl == pytest.approx(0.02)


def walked(side: int, bars: list[Bar], horizon: int) -> tuple[str, float] | None:
    """The same, bar by bar in plain steps, without a gap."""
    for bar in bars[:horizon]:
        worst = bar.low if side == 1 else bar.high
        best = bar.high if side == 1 else bar.low
        if side * (worst - 100.0) <= -1.0:
            return "loss", -0.01
        if side * (best - 100.0) >= 1.5:
            return "win", 0.015
    if len(bars) < horizon:
        return None
    return "expired", side * (bars[horizon - 1].close - 100.0) / 100.0


def test_random_paths_end_as_a_plain_walk_says() -> None:
    rng = random.Random(4)
    seen = set()
    for _ in range(400):
        bars, price = [], 100.0
        for _ in range(rng.randint(1, 18)):
            close = price + rng.gauss(0, 0.35)
            bars.append(
                Bar(price, max(price, close) + rng.random() * 0.2, min(price, close) - rng.random() * 0.2, close)
            )
            price = close
        for side, name in ((1, "buy"), (-1, "sell")):
            expected = walked(side, bars, 16)
            found = virtual_outcome(position(name), bars, FREE)
            assert (found is None) == (expected is None)
            if found is not None and expected is not None:
                assert (found.outcome, pytest.approx(expected[1])) == (expected[0], found.pnl)
                seen.add(found.outcome)
    assert seen == {"win", "loss", "expired"}
