"""What is held behind each close, against a loop that looks back from every row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.policy.held_signal import held_sides

HORIZON = 16


def looked_back(sides: np.ndarray, starts: np.ndarray, prices: np.ndarray, atr: np.ndarray) -> list[int]:
    """The newest signal of the last 16 rows, unless a bar since reached its target or its stop."""
    answers = []
    for row in range(len(sides)):
        said = [at for at in range(max(starts[row], row - HORIZON + 1), row + 1) if sides[at] != 0]
        side = 0
        if said:
            at = said[-1]
            side, close = int(sides[at]), prices[at, 2]
            target, stop = close + side * 1.5 * atr[at], close - side * 1.0 * atr[at]
            for high, low, _ in prices[at + 1 : row + 1]:
                is_over = low <= stop or high >= target if side > 0 else high >= stop or low <= target
                side = 0 if is_over else side
        answers.append(side)
    return answers


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    close = 100 + np.cumsum(rng.integers(-2, 3, 150)) * 0.5
    spread = rng.integers(0, 3, (2, 150)) * 0.5
    prices = np.ascontiguousarray(np.column_stack([close + spread[0], close - spread[1], close]))
    sides = rng.choice([0, 0, 0, 0, 1, -1], 150)
    return sides, np.repeat([0, 70], [70, 80]), prices, rng.integers(1, 5, 150) * 0.5


@settings(max_examples=50)
@given(st.integers(0, 5000))
def test_it_is_what_a_look_back_from_every_row_gives(seed: int) -> None:
    sides, starts, prices, atr = drawn(seed)
    assert held_sides(sides, starts, prices, atr, (1.5, 1.0, HORIZON)).tolist() == looked_back(
        sides, starts, prices, atr
    )


@pytest.mark.parametrize("cut", [20, 40, 69])
def test_history_older_than_one_horizon_changes_nothing(cut: int) -> None:
    sides, starts, prices, atr = drawn(7)
    whole = held_sides(sides, starts, prices, atr, (1.5, 1.0, HORIZON))
    recent = np.where(np.arange(150) < cut - HORIZON + 1, 0, sides)
    assert held_sides(recent, starts, prices, atr, (1.5, 1.0, HORIZON))[cut:].tolist() == whole[cut:].tolist()


def test_a_signal_lasts_sixteen_bars_and_one_without_a_range_opens_nothing() -> None:
    still = np.ones((40, 3))
    sides = np.zeros(40, np.int64)
    sides[3] = -1
    starts = np.zeros(40, np.int64)
    held = held_sides(sides, starts, still, np.full(40, 0.1), (1.5, 1.0, HORIZON))
    # Decided at the close of row 3, held over the 16 bars after it: at the close of row 19 it is over.
    assert np.flatnonzero(held).tolist() == list(range(3, 19))
    assert not held_sides(sides, starts, still, np.full(40, np.nan), (1.5, 1.0, HORIZON)).any()
