"""What became of a signal, from the bars behind it: stop or target, whichever came first, or the end of the horizon."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pawl.evaluation.costs import Costs
from pawl.labels.reversal import STOP_ATR, TARGET_ATR

__all__ = ["Position", "Resolved", "Side", "named_outcome", "virtual_outcome"]

Side = Literal["buy", "sell"]
Outcome = Literal["win", "loss", "breakeven", "expired"]


class Bar(Protocol):
    """What is read of a bar."""

    @property
    def open(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def close(self) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """outcome, and the net result of one unit of notional after costs, fraction. place: of the bar that ended it."""

    outcome: Outcome
    pnl: float
    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A signal's position. atr: None where a learner has no barriers. horizon_bars: bars after which it ends."""

    side: Side
    entry: float
    atr: float | None
    horizon_bars: int


def virtual_outcome(position: Position, bars: Sequence[Bar], costs: Costs) -> Resolved | None:
    """What the position brought; None while that is not known.

    bars: those behind the bar of the signal, in order of time. A position taken at `entry` ends at +1.5 ATR or −1.0
    ATR, or at the close of the last bar of the horizon. A bar that holds both barriers counts as the adverse one; one
    that opens beyond the stop ends there, at its open. Without an ATR only the horizon ends it.

    >>> from types import SimpleNamespace as Bar
    >>> both = [Bar(open=100.0, high=102.0, low=98.0, close=101.0)]
    >>> free = Costs(fee_bps=0, slippage_bps=0)
    >>> virtual_outcome(Position(side="buy", entry=100.0, atr=1.0, horizon_bars=16), both, free).outcome
    'loss'
    """
    sign = 1 if position.side == "buy" else -1
    for place, bar in enumerate(bars[: position.horizon_bars]):
        ended_at = _ended_at(position, sign, bar)
        if ended_at is not None:
            net = _net(position.entry, ended_at, sign, costs)
            return Resolved(outcome=named_outcome(net), pnl=net, place=place)
    if len(bars) < position.horizon_bars:
        return None
    place = position.horizon_bars - 1
    net = _net(position.entry, bars[place].close, sign, costs)
    return Resolved(outcome=named_outcome(net) if position.atr is None else "expired", pnl=net, place=place)


def named_outcome(net: float) -> Literal["win", "loss", "breakeven"]:
    """The word for a net result.

    >>> named_outcome(0.0), named_outcome(-1e-9)
    ('breakeven', 'loss')
    """
    return "win" if net > 0 else "loss" if net < 0 else "breakeven"


def _ended_at(position: Position, sign: int, bar: Bar) -> float | None:
    """The price at which a bar ends the position."""
    if position.atr is None:
        return None
    stop, target = position.entry - sign * STOP_ATR * position.atr, position.entry + sign * TARGET_ATR * position.atr
    worst, best = (bar.low, bar.high) if sign > 0 else (bar.high, bar.low)
    if sign * (worst - stop) <= 0:
        return min(stop, bar.open) if sign > 0 else max(stop, bar.open)
    return target if sign * (best - target) >= 0 else None


def _net(entry: float, ended_at: float, sign: int, costs: Costs) -> float:
    """Both sides cost their share of what they trade: 1 at the entry, and what it has become at the end."""
    grown = ended_at / entry
    return sign * (grown - 1.0) - costs.fraction * (1.0 + grown)
