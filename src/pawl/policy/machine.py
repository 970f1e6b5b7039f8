"""The trade state machine: what one bar does to a position, given the order decided at the previous close.

What happens inside a bar, in this order:

1. At the open: a resting stop that the open has passed fills at the open, and so does a target; then a position held
   for its maximum is closed; then the order is filled. An order for the other side closes and opens at the same open
   (also when the stop was passed); an order for the side that was just stopped out is not filled again at that open.
2. Inside the bar, adverse first: the path between the four prices is unknown, so where both the stop and the target lie
   inside the bar, the stop is taken. A position is exposed to both from the bar on which it is opened.
3. At the close: the trailing peak takes in this bar. The trailing stop in force during a bar follows the peak up to the
   bar before.

Levels follow the price of the first fill and do not move when the position is resized.
"""

from enum import IntEnum
from typing import NamedTuple

from numba import njit
from pydantic import BaseModel, ConfigDict, Field

__all__ = ["FLAT", "NO_RULES", "Bar", "ExitReason", "Position", "Rules", "Step", "TradeRules", "step"]


class ExitReason(IntEnum):
    """Why a trade ended."""

    NONE = 0  # nothing ended
    DECISION = 1  # the order said flat, or the other side
    STOP = 2
    TRAILING = 3
    TARGET = 4
    TIME = 5  # held for `max_bars`
    END = 6  # the ticker's bars ended: closed at the last close
    RUIN = 7  # a loss took the ticker's whole capital


class Rules(NamedTuple):
    """`TradeRules` as the compiled step reads them: fractions, infinite where there is no rule; bars, 2⁶²."""

    stop: float
    target: float
    trailing: float
    max_bars: int


UNLIMITED = 2**62
NO_RULES = Rules(float("inf"), float("inf"), float("inf"), UNLIMITED)


class TradeRules(BaseModel):
    """Exits that rest in the market while a position is held. None: no such exit.

    >>> TradeRules(stop=0.02).compiled()
    Rules(stop=0.02, target=inf, trailing=inf, max_bars=4611686018427387904)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    stop: float | None = Field(None, gt=0, description="adverse move from the entry that closes, fraction")
    target: float | None = Field(None, gt=0, description="favourable move from the entry that closes, fraction")
    trailing: float | None = Field(None, gt=0, description="adverse move from the best price so far, fraction")
    max_bars: int | None = Field(None, ge=1, description="bars after which the next open closes, count")

    def compiled(self) -> Rules:
        """The same rules as plain numbers."""
        return Rules(
            stop=self.stop if self.stop is not None else NO_RULES.stop,
            target=self.target if self.target is not None else NO_RULES.target,
            trailing=self.trailing if self.trailing is not None else NO_RULES.trailing,
            max_bars=self.max_bars if self.max_bars is not None else NO_RULES.max_bars,
        )


class Bar(NamedTuple):
    """Prices of one bar, as the machine reads them."""

    open: float
    high: float
    low: float
    close: float


class Position(NamedTuple):
    """What is held. side: 1 long, −1 short, 0 flat. size: signed share of the capital, as last ordered.

    stop, target: price levels; infinite on the harmless side where there is no rule. peak: best price since the entry.
    """

    side: int
    size: float
    entry_price: float
    stop: float
    target: float
    peak: float
    bars_held: int


FLAT = Position(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0)


class Step(NamedTuple):
    """What one bar did. `opened`: the position after the open's fills; `closed`: the one after the bar.

    open_exit: why the position held before was closed at the open (NONE: it was not). exit_price, inside_exit: where
    and why `opened` was closed inside the bar.
    """

    opened: Position
    closed: Position
    open_exit: int
    exit_price: float
    inside_exit: int


_NONE, _DECISION, _STOP = int(ExitReason.NONE), int(ExitReason.DECISION), int(ExitReason.STOP)
_TRAILING, _TARGET, _TIME = int(ExitReason.TRAILING), int(ExitReason.TARGET), int(ExitReason.TIME)


@njit(cache=True, inline="always")
def _stop_level(position: Position, rules: Rules) -> tuple[float, int]:
    """The stop in force and whose it is: the nearer of the fixed and the trailing one."""
    trailing = position.peak * (1.0 - position.side * rules.trailing)
    if position.side * (trailing - position.stop) > 0.0:
        return trailing, _TRAILING
    return position.stop, _STOP


@njit(cache=True, inline="always")
def _enter(price: float, size: float, rules: Rules) -> Position:
    side = 1 if size > 0.0 else -1
    stop, target = price * (1.0 - side * rules.stop), price * (1.0 + side * rules.target)
    return Position(side, size, price, stop, target, price, 0)


@njit(cache=True, inline="always")
def _resized(held: Position, size: float) -> Position:
    return Position(held.side, size, held.entry_price, held.stop, held.target, held.peak, held.bars_held)


@njit(cache=True, inline="always")
def _aged(held: Position, peak: float) -> Position:
    return Position(held.side, held.size, held.entry_price, held.stop, held.target, peak, held.bars_held + 1)


@njit(cache=True, inline="always")
def _exit_at_open(position: Position, price: float, order: float, rules: Rules) -> int:
    """Why a held position is closed at the open, or NONE."""
    level, kind = _stop_level(position, rules)
    if position.side * (price - level) <= 0.0:
        return kind
    if position.side * (price - position.target) >= 0.0:
        return _TARGET
    if position.side * order <= 0.0:
        return _DECISION
    if position.bars_held >= rules.max_bars:
        return _TIME
    return _NONE


@njit(cache=True, inline="always")
def _at_open(position: Position, price: float, order: float, rules: Rules) -> tuple[Position, int]:
    if position.side == 0:
        return (_enter(price, order, rules) if order != 0.0 else position), _NONE
    reason = _exit_at_open(position, price, order, rules)
    if reason != _NONE:
        return (_enter(price, order, rules) if position.side * order < 0.0 else FLAT), reason
    return _resized(position, order), _NONE


@njit(cache=True, inline="always")
def _inside(position: Position, bar: Bar, rules: Rules) -> tuple[Position, float, int]:
    worst, best = (bar.low, bar.high) if position.side > 0 else (bar.high, bar.low)
    level, kind = _stop_level(position, rules)
    if position.side * (worst - level) <= 0.0:
        return FLAT, level, kind
    if position.side * (best - position.target) >= 0.0:
        return FLAT, position.target, _TARGET
    peak = max(position.peak, best) if position.side > 0 else min(position.peak, best)
    return _aged(position, peak), 0.0, _NONE


@njit(cache=True)
def step(position: Position, bar: Bar, order: float, rules: Rules) -> Step:
    """Lead a position through one bar.

    order: the position decided at the previous close, a signed share of the capital (0: flat). Prices are positive and
    finite, and low ≤ open, close ≤ high; `market/` checks that before.

    >>> held = step(FLAT, Bar(100.0, 101.0, 99.5, 100.5), 1.0, TradeRules(stop=0.02).compiled()).closed
    >>> after = step(held, Bar(97.0, 99.0, 96.0, 98.0), 1.0, TradeRules(stop=0.02).compiled())
    >>> held.stop, ExitReason(after.open_exit).name, after.closed.side
    (98.0, 'STOP', 0)
    """
    opened, open_exit = _at_open(position, bar.open, order, rules)
    if opened.side == 0:
        return Step(opened, opened, open_exit, 0.0, _NONE)
    closed, exit_price, inside_exit = _inside(opened, bar, rules)
    return Step(opened, closed, open_exit, exit_price, inside_exit)
