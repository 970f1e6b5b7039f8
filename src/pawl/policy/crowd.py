"""What a simulated user does next: from its persona, what it sees, what it has done so far, and its own dice.

It sees what a person would: the price and the last quarter of an hour, the volatility and stretch that were known, and
the recommendation that stands. It never sees what comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import exp

import numpy as np

from pawl.policy.action import Action
from pawl.policy.personas import Persona

__all__ = [
    "SLOTS_PER_DAY",
    "Call",
    "Exit",
    "Moment",
    "Order",
    "Position",
    "Track",
    "Tracked",
    "Trader",
    "conversion_of",
    "exit_of",
    "order_of",
    "revenge_of",
]

SLOTS_PER_DAY = 96
MOST_OPEN = 3
COOL_OFF = timedelta(minutes=75)
STRETCHED = 1.6
CALM = 1.2
REACH_HOURS = 4
LATE_STOP = 2.2  # of the distance of the stop at which even who delays it gives in
RUIN = 4.0  # of the distance at which a stop would have stood
STOP_SLIP = 0.0004  # most that a stop order fills beyond its price, fraction
SIZE_WOBBLE = 0.12
TRACKED_FOR = timedelta(hours=2)
CONVERTS = 0.12  # of the slots in which a tracked signal waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One ticker as a user sees it. high, low: of the last quarter of an hour. stretch: as the context has it."""

    at: datetime
    ticker: str
    price: float
    high: float
    low: float
    open: float
    volatility: float | None
    stretch: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A recommendation that stands. inference_id: of the inference it came from. price: at which it was made."""

    inference_id: str
    direction: Action
    sl_bps: float
    tp_bps: float
    price: float
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """An open trade. name: by which its user knows it. size_pct: of the capital. is_late: its stop was hit, and it was
    not closed.
    """

    name: str
    ticker: str
    side: Action
    size_pct: float
    leverage: float
    entry_price: float
    stop_price: float | None
    target_price: float
    stop_reach: float
    opened_at: datetime
    is_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A signal that is followed and not traded yet."""

    name: str
    ticker: str
    call: Call
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trader:
    """A user: its persona, its habits (size_pct, leverage), and what it has done so far. lost: its last loss, until it
    was answered.
    """

    persona: Persona
    size_pct: float
    leverage: float
    positions: tuple[Position, ...] = ()
    tracked: tuple[Tracked, ...] = ()
    closed_at: datetime | None = None
    lost: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A trade to open. call: the recommendation it rests on; None for an idea of its own. stop_reach: distance at which
    a stop would stand, fraction of the price.
    """

    ticker: str
    at: datetime
    side: Action
    size_pct: float
    leverage: float
    price: float
    stop_price: float | None
    target_price: float
    stop_reach: float
    call: Call | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A recommendation to follow without a trade as yet."""

    ticker: str
    call: Call


@dataclass(frozen=True, slots=True)
class Exit:
    """How a trade ends. price: that of the fill."""

    price: float


def exit_of(
    trader: Trader, position: Position, moment: Moment, rng: np.random.Generator
) -> tuple[Position, Exit | None]:
    """Whether a trade ends in this quarter of an hour, and the position as it is then known.

    A stop that is kept fills at its price, or at the open beyond it, and a little worse.
    """
    side = position.side.sign
    worst, best = (moment.low, moment.high) if side > 0 else (moment.high, moment.low)
    gain = side * (moment.price / position.entry_price - 1)
    if position.is_late:
        has_given_in = gain <= -LATE_STOP * position.stop_reach or gain >= 0
        return position, Exit(moment.price) if has_given_in else None
    if position.stop_price is not None and side * (worst - position.stop_price) <= 0:
        if rng.random() < trader.persona.delays_stop:
            return replace(position, is_late=True), None
        filled = side * min(side * position.stop_price, side * moment.open)
        return position, Exit(filled * (1 - side * STOP_SLIP * rng.random()))
    if side * (best - position.target_price) >= 0:
        return position, Exit(position.target_price)
    patience = trader.persona.loser_patience if gain < 0 else 1.0
    is_over = moment.at - position.opened_at >= timedelta(hours=trader.persona.hold_hours * patience)
    # Without a stop there is a point at which anybody gives in.
    is_ruined = position.stop_price is None and gain <= -RUIN * position.stop_reach
    return position, Exit(moment.price) if is_over or is_ruined else None


def order_of(
    trader: Trader, moments: Sequence[Moment], calls: Sequence[Call | None], rng: np.random.Generator
) -> Order | Track | None:
    """What a user does when it looks for a trade: one on a recommendation, one of its own, or none.

    moments, calls: ticker by ticker.
    """
    persona = trader.persona
    if rng.random() >= persona.acts_per_day / SLOTS_PER_DAY or not _is_free(trader, moments[0].at):
        return None
    if rng.random() >= persona.follows:
        return _own_idea(trader, moments, rng)
    standing = [(moment, call) for moment, call in zip(moments, calls, strict=True) if call is not None]
    if not standing:
        return None
    moment, call = standing[int(rng.integers(len(standing)))]
    if rng.random() < persona.tracks:
        return Track(ticker=moment.ticker, call=call)
    return _trade_on(trader, moment, call, rng)


def conversion_of(
    trader: Trader, tracked: Tracked, moment: Moment, rng: np.random.Generator
) -> tuple[Order | None, bool]:
    """The trade that a tracked signal becomes in this quarter of an hour, if any; and whether it is followed on."""
    if moment.at - tracked.at > TRACKED_FOR:
        return None, False
    if rng.random() >= CONVERTS or not _is_free(trader, moment.at):
        return None, True
    return _trade_on(trader, moment, tracked.call, rng), False


def revenge_of(trader: Trader, moment: Moment, rng: np.random.Generator) -> Order | None:
    """The trade with which a loss is answered at once; None from whoever lets it be."""
    if trader.lost is None or rng.random() >= trader.persona.revenge:
        return None
    riskier = replace(trader, size_pct=trader.size_pct * trader.persona.revenge_times)
    return _order(riskier, moment, _any_side(rng), rng)


def _is_free(trader: Trader, at: datetime) -> bool:
    has_rested = trader.closed_at is None or at - trader.closed_at >= COOL_OFF
    return has_rested and len(trader.positions) < MOST_OPEN


def _any_side(rng: np.random.Generator) -> Action:
    return Action.LONG if rng.random() < 0.5 else Action.SHORT


def _trade_on(trader: Trader, moment: Moment, call: Call, rng: np.random.Generator) -> Order | None:
    against = Action.SHORT if call.direction is Action.LONG else Action.LONG
    side = against if rng.random() < trader.persona.overrides else call.direction
    return _order(trader, moment, side, rng, call)


def _own_idea(trader: Trader, moments: Sequence[Moment], rng: np.random.Generator) -> Order | None:
    known = [(moment, moment.stretch) for moment in moments if moment.stretch is not None]
    if not known:
        return None
    if rng.random() < trader.persona.chases:
        hottest, stretch = max(known, key=lambda each: abs(each[1]))
        side = Action.LONG if stretch > 0 else Action.SHORT
        return _order(trader, hottest, side, rng) if abs(stretch) >= STRETCHED else None
    moment, stretch = known[int(rng.integers(len(known)))]
    side = _any_side(rng)
    return None if side.sign * stretch > CALM else _order(trader, moment, side, rng)


def _order(
    trader: Trader, moment: Moment, side: Action, rng: np.random.Generator, call: Call | None = None
) -> Order | None:
    if moment.volatility is None or moment.volatility <= 0:
        return None
    reach = moment.volatility * REACH_HOURS**0.5
    stop_reach = trader.persona.stop_reach * reach
    stop = moment.price * exp(-side.sign * stop_reach) if rng.random() < trader.persona.has_stop else None
    return Order(
        ticker=moment.ticker,
        at=moment.at,
        side=side,
        size_pct=trader.size_pct * (1 + SIZE_WOBBLE * (2 * rng.random() - 1)),
        leverage=trader.leverage,
        price=moment.price,
        stop_price=stop,
        target_price=moment.price * exp(side.sign * trader.persona.target_reach * reach),
        stop_reach=stop_reach,
        call=call,
    )
