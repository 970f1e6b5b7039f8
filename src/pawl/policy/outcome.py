"""What a closed position brought: result, drawdown, time and slippage, from its fills and the prices meanwhile."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import fsum, isfinite

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pawl.errors import InputError
from pawl.market.basis_points import BPS

__all__ = ["Fill", "Outcome", "hold_sec", "max_drawdown_bps", "outcome_of", "pnl_bps", "slippage_bps"]

Floats = NDArray[np.float64]

# Quantities that were sold in parts leave a remainder of this size, relative to the position.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution. quantity: in units of the instrument, bought > 0, sold < 0. price: in quote currency. cost: fees,
    and funding paid up to here (received < 0), in quote currency.
    """

    at: datetime
    quantity: float
    price: float
    cost: float = 0.0

    def __post_init__(self) -> None:
        if not (isfinite(self.quantity) and self.quantity != 0 and isfinite(self.price) and self.price > 0):
            raise _bad(f"a fill of {self.quantity} at {self.price}", "hand in executions with a quantity and a price")
        if not isfinite(self.cost):
            raise _bad(f"a fill that cost {self.cost}", "hand in its fees, 0 where there were none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one closed position brought. pnl_bps: net, of entry notional. max_drawdown_bps: magnitude ≥ 0, of entry
    notional. slippage_bps: of the entry against the price at the decision, positive = worse.
    """

    pnl_bps: float
    max_drawdown_bps: float
    hold_sec: float
    slippage_bps: float


def outcome_of(fills: tuple[Fill, ...], prices: pl.DataFrame, decision_price: float) -> Outcome:
    """All four measures. fills: in the order of time, from flat to flat on one side; anything else is an InputError.

    prices: `ts` and `price`, in any order; those from the first fill to the last are read.
    """
    entries = _entries(fills)
    return Outcome(
        pnl_bps=pnl_bps(fills),
        max_drawdown_bps=max_drawdown_bps(fills, prices),
        hold_sec=hold_sec(fills),
        slippage_bps=slippage_bps(entries, decision_price),
    )


def pnl_bps(fills: tuple[Fill, ...]) -> float:
    """Net result after fees, bps of entry notional: −Σ (quantity · price + cost) / Σ |entry quantity · entry price|.

    >>> from datetime import UTC
    >>> opened, closed = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)
    >>> short = (Fill(at=opened, quantity=-2, price=100, cost=0.1), Fill(at=closed, quantity=2, price=99, cost=0.1))
    >>> round(pnl_bps(short), 6)
    90.0
    """
    return -fsum(fill.quantity * fill.price + fill.cost for fill in fills) / _notional(fills) * BPS


def hold_sec(fills: tuple[Fill, ...]) -> float:
    """Close time − open time, seconds."""
    _entries(fills)
    return (fills[-1].at - fills[0].at).total_seconds()


def slippage_bps(entries: tuple[Fill, ...], decision_price: float) -> float:
    """Mean fill price against the price at the decision, weighed by quantity; positive = worse for that side, bps.

    entries: fills of one side. decision_price: > 0.

    >>> from datetime import UTC
    >>> at = datetime(2024, 1, 1, tzinfo=UTC)
    >>> [round(slippage_bps((Fill(at=at, quantity=side, price=100.1),), 100.0), 6) for side in (1, -1)]
    [10.0, -10.0]
    """
    if not (isfinite(decision_price) and decision_price > 0):
        raise _bad(f"a decision at the price {decision_price}", "record the price at which it was decided")
    # The sign cancels out of the mean and is left in the difference.
    quantity = fsum(fill.quantity for fill in entries)
    paid = fsum(fill.quantity * (fill.price - decision_price) for fill in entries)
    return paid / abs(quantity) / decision_price * BPS


def max_drawdown_bps(fills: tuple[Fill, ...], prices: pl.DataFrame) -> float:
    """Largest fall of the position's equity from its highest point so far, bps of entry notional, ≥ 0.

    Equity is what closing at the price would leave, costs paid so far taken off; its peak starts at 0, at the entry. So
    a drawdown is never smaller than the loss at the end. prices: as `outcome_of` takes them; a null or a price that is
    not above 0 is an InputError.
    """
    notional = _notional(fills)
    during = prices.filter(pl.col("ts").is_between(fills[0].at, fills[-1].at))
    marks = during.get_column("price").cast(pl.Float64)
    if not (marks.is_finite() & (marks > 0)).fill_null(value=False).all():
        raise _bad("a price while it was held is null, not finite or not above 0", "mend the prices")
    times = _microseconds(during.get_column("ts"))
    filled = _microseconds(pl.Series([fill.at for fill in fills]))
    quantity = np.cumsum([fill.quantity for fill in fills])
    paid = np.cumsum([fill.quantity * fill.price + fill.cost for fill in fills])
    # A fill counts from its own instant on: first the fill, at its price, then what the market said at that instant.
    n_done = np.searchsorted(filled, times, side="right") - 1
    at_fills = quantity * np.array([fill.price for fill in fills]) - paid
    at_marks = quantity[n_done] * marks.to_numpy() - paid[n_done]
    order = np.argsort(np.concatenate([filled, times]), kind="stable")
    equity = np.concatenate([[0.0], np.concatenate([at_fills, at_marks])[order]])
    return float((np.maximum.accumulate(equity) - equity).max()) / notional * BPS


def _notional(fills: tuple[Fill, ...]) -> float:
    return fsum(abs(fill.quantity) * fill.price for fill in _entries(fills))


def _entries(fills: tuple[Fill, ...]) -> tuple[Fill, ...]:
    """The fills that opened or enlarged the position."""
    if len(fills) < 2:
        raise _bad(f"{len(fills)} fills close no position", "measure a position once it is closed")
    if any(later.at < earlier.at for earlier, later in pairwise(fills)):
        raise _bad("the fills are not in the order of time", "sort them by time")
    side = 1.0 if fills[0].quantity > 0 else -1.0
    entries = tuple(fill for fill in fills if fill.quantity * side > 0)
    held = side * np.cumsum([fill.quantity for fill in fills])
    remainder = ROUNDING * fsum(abs(fill.quantity) for fill in entries)
    if abs(held[-1]) > remainder or (held[:-1] <= remainder).any():
        raise _bad(f"the fills hold {held.tolist()} one after the other", "hand in one position, from flat to flat")
    return entries


def _microseconds(instants: pl.Series) -> NDArray[np.int64]:
    return np.asarray(instants.dt.epoch("us").to_numpy(), np.int64)


def _bad(what: str, fix: str) -> InputError:
    return InputError(what, where="outcome", fix=fix)
