"""The compiled backtest kernel: runs the trade state machine of `policy/` over bars × tickers and keeps the accounts.

Every ticker is an account of its own that starts with a capital of 1. A position of size s buys s · equity / open units
at the open; units then stay as they are until the decided size changes. Costs are a share of every notional traded.

The compiled kernel is cached beside this file and holds the state machine inside it; numba looks at this file alone, so
after a change of `policy/machine.py` remove `__pycache__/kernel.run*` here.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pawl.policy.machine import FLAT, Bar, ExitReason, Rules, step

__all__ = ["Curves", "Panel", "TradeLog", "run"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Panel(NamedTuple):
    """Bars of all tickers, one after the other: ticker i stands in rows starts[i] … starts[i+1], in time order.

    order: the size decided at the row's own close. funding: rate settled after the row's open and not after its close.
    """

    starts: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    order: Floats
    funding: Floats


class Curves(NamedTuple):
    """One value a row: net return of the ticker's account, its signed exposure at the close, and the notional traded,
    both as shares of its equity."""

    net_return: Floats
    exposure: Floats
    traded: Floats


class TradeLog(NamedTuple):
    """One value a trade. Prices are averages over its fills, size is the first one; pnl_bps is net, of the notional
    bought into it."""

    entry_row: Ints
    exit_row: Ints
    size: Floats
    entry_price: Floats
    exit_price: Floats
    pnl_bps: Floats
    reason: Ints


class _Account(NamedTuple):
    cash: float
    units: float


class _Trade(NamedTuple):
    """The open trade: where it began, the equity before it, and what was traded into it and out of it."""

    row: int
    size: float
    equity: float
    notional_in: float
    units_in: float
    entry_price: float
    units_out: float
    exit_price: float


_NONE, _END, _RUIN = int(ExitReason.NONE), int(ExitReason.END), int(ExitReason.RUIN)
_NEW = _Account(1.0, 0.0)
_NO_TRADE = _Trade(-1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@njit(cache=True, inline="always")
def _traded(account: _Account, units: float, price: float, cost: float) -> _Account:
    return _Account(account.cash - units * price - cost * abs(units) * price, account.units + units)


@njit(cache=True, inline="always")
def _booked(trade: _Trade, units: float, price: float) -> _Trade:
    size = abs(units)
    notional, into, paid = trade.notional_in, trade.units_in, trade.entry_price
    out, got = trade.units_out, trade.exit_price
    # Averages move by the share of the fill, so that a single fill leaves its price to the last bit.
    if units * trade.size > 0.0:
        notional, into = notional + size * price, into + size
        paid += (price - paid) * (size / into)
    else:
        out += size
        got += (price - got) * (size / out)
    return _Trade(trade.row, trade.size, trade.equity, notional, into, paid, out, got)


@njit(cache=True, inline="always")
def _record(log: TradeLog, at: int, trade: _Trade, row: int, reason: int, equity: float) -> None:
    log.entry_row[at] = trade.row
    log.exit_row[at] = row
    log.size[at] = trade.size
    log.entry_price[at] = trade.entry_price
    log.exit_price[at] = trade.exit_price
    log.pnl_bps[at] = 1e4 * (equity - trade.equity) / trade.notional_in
    log.reason[at] = reason


class _Fill(NamedTuple):
    row: int
    price: float
    reason: int


class _Terms(NamedTuple):
    rules: Rules
    cost: float


@njit(cache=True, inline="always")
def _close(log: TradeLog, at: int, trade: _Trade, account: _Account, fill: _Fill, cost: float) -> _Account:
    after = _traded(account, -account.units, fill.price, cost)
    _record(log, at, _booked(trade, -account.units, fill.price), fill.row, fill.reason, after.cash)
    return after


@njit(cache=True, inline="always")
def _inside_fill(account: _Account, close: float, rate: float, fill: _Fill, end: int) -> tuple[_Account, _Fill]:
    """Charge the funding of a bar to what was held in it, and say whether and where the bar's end closes it."""
    if fill.reason != _NONE:
        # When inside the bar it left is unknown: it pays the funding if that costs, and never earns it.
        payment = max(account.units * fill.price * rate, 0.0)
        return _Account(account.cash - payment, account.units), fill
    paid = _Account(account.cash - account.units * close * rate, account.units)
    if paid.cash + paid.units * close <= 0.0:
        return paid, _Fill(fill.row, close, _RUIN)
    return paid, _Fill(fill.row, close, _END if fill.row == end else _NONE)


@njit(cache=True)
def _run_ticker(panel: Panel, ticker: int, terms: _Terms, curves: Curves, log: TradeLog, n: int) -> int:
    first, last = panel.starts[ticker], panel.starts[ticker + 1]
    account, position, trade, order, capital = _NEW, FLAT, _NO_TRADE, 0.0, 1.0
    for row in range(first, last):
        bar = Bar(panel.open[row], panel.high[row], panel.low[row], panel.close[row])
        traded = 0.0
        if position.side != 0 and account.cash + account.units * bar.open <= 0.0:
            _close(log, n, trade, account, _Fill(row, bar.open, _RUIN), terms.cost)
            return _ruined(curves, row, last, n + 1)
        done = step(position, bar, order, terms.rules)
        size = position.size
        if done.open_exit != _NONE:
            traded += abs(account.units) * bar.open
            account = _close(log, n, trade, account, _Fill(row, bar.open, done.open_exit), terms.cost)
            size, n = 0.0, n + 1
            if account.cash <= 0.0:
                return _ruined(curves, row, last, n)
        if done.opened.size != size:
            equity = account.cash + account.units * bar.open
            units = done.opened.size * equity / bar.open - account.units
            if size == 0.0:
                trade = _Trade(row, done.opened.size, equity, 0.0, 0.0, 0.0, 0.0, 0.0)
            trade = _booked(trade, units, bar.open)
            account = _traded(account, units, bar.open, terms.cost)
            traded += abs(units) * bar.open
        position = done.closed
        if done.opened.side != 0:
            fill = _Fill(row, done.exit_price, done.inside_exit)
            account, fill = _inside_fill(account, bar.close, panel.funding[row], fill, last - 1)
            if fill.reason != _NONE:
                traded += abs(account.units) * fill.price
                account = _close(log, n, trade, account, fill, terms.cost)
                n += 1
                if account.cash <= 0.0:
                    return _ruined(curves, row, last, n)
        equity = account.cash + account.units * bar.close
        curves.net_return[row] = equity / capital - 1.0
        curves.exposure[row] = account.units * bar.close / equity
        curves.traded[row] = traded / capital
        capital, order = equity, panel.order[row]
    return n


@njit(cache=True)
def _ruined(curves: Curves, row: int, last: int, n: int) -> int:
    """The account is gone: the row loses all that was left, and nothing is traded after it."""
    curves.net_return[row:last] = 0.0
    curves.exposure[row:last] = 0.0
    curves.traded[row:last] = 0.0
    curves.net_return[row] = -1.0
    return n


@njit(cache=True)
def run(panel: Panel, rules: Rules, cost: float) -> tuple[Curves, TradeLog]:
    """Run every ticker through the state machine.

    cost: fee and slippage a side, fraction of the notional. Prices are positive and finite, orders finite.
    """
    rows = panel.close.size
    curves = Curves(np.empty(rows), np.empty(rows), np.empty(rows))
    # At most one entry a bar, so at most as many trades as bars; untouched pages of these cost nothing.
    log = TradeLog(
        np.empty(rows, np.int64),
        np.empty(rows, np.int64),
        np.empty(rows),
        np.empty(rows),
        np.empty(rows),
        np.empty(rows),
        np.empty(rows, np.int64),
    )
    n = 0
    for ticker in range(panel.starts.size - 1):
        n = _run_ticker(panel, ticker, _Terms(rules, cost), curves, log, n)
    return curves, TradeLog(
        log.entry_row[:n].copy(),
        log.exit_row[:n].copy(),
        log.size[:n].copy(),
        log.entry_price[:n].copy(),
        log.exit_price[:n].copy(),
        log.pnl_bps[:n].copy(),
        log.reason[:n].copy(),
    )
