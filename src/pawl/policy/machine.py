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

__all__ = [
    "FLAT",
    "NO_RULES",
    "Bar",
    "ExitReason",
    "Position",
    "Rules",
    "Step",
    "TradeRules",
    "aged",
    "is_uneventful",
    "step",
]


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
    """What is held. side: 1 long, −1 short, 0 flat (a float, since prices are multiplied by it). size: signed share of
    the capital, as last ordered.

    stop: level of the nearer one of the fixed and the trailing stop, stop_kind which of them (an ExitReason); the
    trailing one only ever moves towards the price, so its peak needs no place of its own. target: level. Levels are
    infinite on the harmless side where there is no rule.
    """

    side: float
    size: float
    entry_price: float
    stop: float
    stop_kind: int
    target: float
    bars_held: int


FLAT = Position(0.0, 0.0, 0.0, 0.0, 0, 0.0, 0)


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


@njit(cache=True, error_model="numpy")
def is_uneventful(position: Position, bar: Bar, order: float, rules: Rules) -> bool:
    """Whether a bar neither fills the order nor meets a level: a held position only grows older."""
    if position.side == 0:
        return order == 0.0
    worst, best = (bar.low, bar.high) if position.side > 0 else (bar.high, bar.low)
    return (
        position.side * (worst - position.stop) > 0.0
        and position.side * (best - position.target) < 0.0
        and order == position.size
        and position.bars_held < rules.max_bars
    )


@njit(cache=True, error_model="numpy")
def aged(held: Position, bar: Bar, rules: Rules) -> Position:
    """A position that was held over a bar: the trailing stop follows, when it comes nearer."""
    best = bar.high if held.side > 0 else bar.low
    trailing = best * (1.0 - held.side * rules.trailing)
    is_nearer = held.side * (trailing - held.stop) > 0.0
    stop, kind = (trailing, _TRAILING) if is_nearer else (held.stop, held.stop_kind)
    return Position(held.side, held.size, held.entry_price, stop, kind, held.target, held.bars_held + 1)


@njit(cache=True, error_model="numpy")
def _enter(price: float, size: float, rules: Rules) -> Position:
    side = 1.0 if size > 0.0 else -1.0
    # Whichever is the smaller move is the nearer level.
    stop, kind = (rules.trailing, _TRAILING) if rules.trailing < rules.stop else (rules.stop, _STOP)
    return Position(side, size, price, price * (1.0 - side * stop), kind, price * (1.0 + side * rules.target), 0)


@njit(cache=True, error_model="numpy")
def _resized(held: Position, size: float) -> Position:
    return Position(held.side, size, held.entry_price, held.stop, held.stop_kind, held.target, held.bars_held)


@njit(cache=True, error_model="numpy")
def _exit_at_open(position: Position, price: float, order: float, rules: Rules) -> int:
    """Why a held position is closed at the open, or NONE."""
    if position.side * (price - position.stop) <= 0.0:
        return position.stop_kind
    if position.side * (price - position.target) >= 0.0:
        return _TARGET
    if position.side * order <= 0.0:
        return _DECISION
    if position.bars_held >= rules.max_bars:
        return _TIME
    return _NONE


@njit(cache=True, error_model="numpy")
def _at_open(position: Position, price: float, order: float, rules: Rules) -> tuple[Position, int]:
    if position.side == 0:
        return (_enter(price, order, rules) if order != 0.0 else position), _NONE
    reason = _exit_at_open(position, price, order, rules)
    if reason != _NONE:
        return (_enter(price, order, rules) if position.side * order < 0.0 else FLAT), reason
    return _resized(position, order), _NONE


@njit(cache=True, error_model="numpy")
def _inside(position: Position, bar: Bar, rules: Rules) -> tuple[Position, float, int]:
    worst, best = (bar.low, bar.high) if position.side > 0 else (bar.high, bar.low)
    if position.side * (worst - position.stop) <= 0.0:
        return FLAT, position.stop, position.stop_kind
    if position.side * (best - position.target) >= 0.0:
        return FLAT, position.target, _TARGET
    return aged(position, bar, rules), 0.0, _NONE


@njit(cache=True, error_model="numpy")
def step(position: Position, bar: Bar, order: float, rules: Rules) -> Step:
    """Lead a position through one bar.

    order: the position decided at the previous close, a signed share of the capital (0: flat). Prices are floats,
    positive and finite, and low ≤ open, close ≤ high; `market/` checks that before.

    >>> held = step(FLAT, Bar(100.0, 101.0, 99.5, 100.5), 1.0, TradeRules(stop=0.02).compiled()).closed
    >>> after = step(held, Bar(97.0, 99.0, 96.0, 98.0), 1.0, TradeRules(stop=0.02).compiled())
    >>> held.stop, ExitReason(after.open_exit).name, after.closed.side
    (98.0, 'STOP', 0.0)
    """
    opened, open_exit = _at_open(position, bar.open, order, rules)
    if opened.side == 0:
        return Step(opened, opened, open_exit, 0.0, _NONE)
    closed, exit_price, inside_exit = _inside(opened, bar, rules)
    return Step(opened, closed, open_exit, exit_price, inside_exit)
