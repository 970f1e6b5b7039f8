"""The compiled backtest kernel: runs the trade state machine of `policy/` over bars × tickers and keeps the accounts.

Every ticker is an account of its own that starts with a capital of 1. A position of size s buys s · equity / open units
at the open; units then stay as they are until the decided size changes. Costs are a share of every notional traded.

The compiled kernel is cached beside this file and holds the state machine inside it; numba looks at this file alone, so
after a change of `policy/machine.py` remove `__pycache__/kernel.*.nb*` here.
"""

from typing import NamedTuple, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pawl.market.basis_points import BPS
from pawl.policy.machine import FLAT, Bar, ExitReason, Position, Rules, aged, is_uneventful, step

__all__ = ["Curves", "Panel", "TradeLog", "run"]

Number = TypeVar("Number", np.float64, np.int64)
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Panel(NamedTuple):
    """Bars of all tickers, one after the other: ticker i stands in rows starts[i] … starts[i+1], in time order.

    order: the size decided at the row's own close. funding: rate settled after the row's open and not after its close,
    or no row at all where nothing is settled.
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
_NEW, _GONE = _Account(1.0, 0.0), _Account(0.0, 0.0)
_NO_TRADE = _Trade(-1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@njit(cache=True, error_model="numpy")
def _traded(account: _Account, units: float, price: float, cost: float) -> _Account:
    return _Account(account.cash - units * price - cost * abs(units) * price, account.units + units)


@njit(cache=True, error_model="numpy")
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


class _Closed(NamedTuple):
    """A trade that ended, and why; reason NONE: none did."""

    trade: _Trade
    reason: int
    pnl_bps: float


_NONE_CLOSED = _Closed(_NO_TRADE, _NONE, 0.0)


class _State(NamedTuple):
    """Where a ticker stands between two bars."""

    account: _Account
    position: Position
    trade: _Trade


class _Event(NamedTuple):
    """What a bar did on which something was filled. traded: notional."""

    state: _State
    traded: float
    at_open: _Closed
    inside: _Closed


class _Terms(NamedTuple):
    rules: Rules
    cost: float


class _Place(NamedTuple):
    """A bar's row, its ticker's last one, and the funding that it settles."""

    row: int
    end: int
    rate: float


class _Rows(NamedTuple):
    """Rows to run, their ticker's last one, and what stands before them: open order, equity, number of trades."""

    first: int
    last: int
    end: int
    order: float
    capital: float
    n: int


class _Exit(NamedTuple):
    price: float
    reason: int


@njit(cache=True, error_model="numpy")
def _close(trade: _Trade, account: _Account, leave: _Exit, cost: float) -> tuple[_Account, _Closed]:
    ended = _booked(trade, -account.units, leave.price)
    after = _traded(account, -account.units, leave.price, cost)
    return after, _Closed(ended, leave.reason, BPS * (after.cash - ended.equity) / ended.notional_in)


@njit(cache=True, error_model="numpy")
def _settle(account: _Account, close: float, leave: _Exit, place: _Place) -> tuple[_Account, _Exit]:
    """Charge the funding of a bar to what was held in it, and say whether and where the bar's end closes it."""
    if leave.reason != _NONE:
        # When inside the bar it left is unknown: it pays the funding if that costs, and never earns it.
        payment = max(account.units * leave.price * place.rate, 0.0)
        return _Account(account.cash - payment, account.units), leave
    paid = _Account(account.cash - account.units * close * place.rate, account.units)
    if paid.cash + paid.units * close <= 0.0:
        return paid, _Exit(close, _RUIN)
    return paid, _Exit(close, _END if place.row == place.end else _NONE)


@njit(cache=True, error_model="numpy")
def _filled(state: _State, bar: Bar, order: float, terms: _Terms, place: _Place) -> _Event:
    """A bar on which something is filled. It takes and gives plain numbers alone: an array would be counted anew as
    shared on every call. An account that has lost everything comes back with nothing."""
    account, position, trade = state
    if account.cash + account.units * bar.open <= 0.0:
        account, at_open = _close(trade, account, _Exit(bar.open, _RUIN), terms.cost)
        return _Event(_State(account, FLAT, trade), 0.0, at_open, _NONE_CLOSED)
    done, traded, size, at_open = step(position, bar, order, terms.rules), 0.0, position.size, _NONE_CLOSED
    if done.open_exit != _NONE:
        traded += abs(account.units) * bar.open
        account, at_open = _close(trade, account, _Exit(bar.open, done.open_exit), terms.cost)
        size = 0.0
        if account.cash <= 0.0:
            return _Event(_State(account, FLAT, trade), traded, at_open, _NONE_CLOSED)
    if done.opened.size != size:
        equity = account.cash + account.units * bar.open
        units = done.opened.size * equity / bar.open - account.units
        if size == 0.0:
            trade = _Trade(place.row, done.opened.size, equity, 0.0, 0.0, 0.0, 0.0, 0.0)
        trade = _booked(trade, units, bar.open)
        account = _traded(account, units, bar.open, terms.cost)
        traded += abs(units) * bar.open
    if done.opened.side == 0:
        return _Event(_State(account, FLAT, trade), traded, at_open, _NONE_CLOSED)
    account, leave = _settle(account, bar.close, _Exit(done.exit_price, done.inside_exit), place)
    if leave.reason == _NONE:
        return _Event(_State(account, done.closed, trade), traded, at_open, _NONE_CLOSED)
    traded += abs(account.units) * leave.price
    account, inside = _close(trade, account, leave, terms.cost)
    return _Event(_State(account, FLAT, trade), traded, at_open, inside)


@njit(cache=True, error_model="numpy", inline="always")
def _record(log: TradeLog, n: int, row: int, closed: _Closed) -> int:
    """Write a trade down, if one ended; how many there are then. Inlined, since a call counts every array as shared."""
    if closed.reason == _NONE:
        return n
    log.entry_row[n] = closed.trade.row
    log.exit_row[n] = row
    log.size[n] = closed.trade.size
    log.entry_price[n] = closed.trade.entry_price
    log.exit_price[n] = closed.trade.exit_price
    log.pnl_bps[n] = closed.pnl_bps
    log.reason[n] = closed.reason
    return n + 1


@njit(cache=True, error_model="numpy")
def _run_rows(
    panel: Panel, rows: _Rows, terms: _Terms, curves: Curves, log: TradeLog, state: _State
) -> tuple[_State, int]:
    """Run rows of one ticker; the state after them and the number of trades."""
    order, capital, n, is_funded = rows.order, rows.capital, rows.n, panel.funding.size > 0
    for row in range(rows.first, rows.last):
        curves.traded[row] = 0.0
        if order == 0.0 and state.position.side == 0.0:
            curves.net_return[row] = 0.0
            curves.exposure[row] = 0.0
            order = panel.order[row]
            continue
        bar = Bar(panel.open[row], panel.high[row], panel.low[row], panel.close[row])
        rate = panel.funding[row] if is_funded else 0.0
        cash, units = state.account
        paid = cash - units * bar.close * rate
        equity = paid + units * bar.close
        # Most bars fill nothing; they pass without a step of the machine, which would say the same.
        if (
            row < rows.end
            and is_uneventful(state.position, bar, order, terms.rules)
            and cash + units * bar.open > 0.0
            and equity > 0.0
        ):
            state = _State(_Account(paid, units), aged(state.position, bar, terms.rules), state.trade)
        else:
            event = _filled(state, bar, order, terms, _Place(row, rows.end, rate))
            n = _record(log, _record(log, n, row, event.at_open), row, event.inside)
            state = event.state
            curves.traded[row] = event.traded / capital
            equity = state.account.cash + state.account.units * bar.close
            if equity <= 0.0:
                _ruin(curves, row, rows.end)
                return _State(_GONE, FLAT, _NO_TRADE), n
        curves.net_return[row] = equity / capital - 1.0
        curves.exposure[row] = state.account.units * bar.close / equity
        capital, order = equity, panel.order[row]
    return state, n


@njit(cache=True, error_model="numpy")
def _ruin(curves: Curves, row: int, end: int) -> None:
    """The account is gone: the row loses all that was left, and nothing is traded after it."""
    curves.net_return[row : end + 1] = 0.0
    curves.exposure[row : end + 1] = 0.0
    curves.traded[row : end + 1] = 0.0
    curves.net_return[row] = -1.0


@njit(cache=True, error_model="numpy")
def _log_of(capacity: int) -> TradeLog:
    whole, real = np.empty((3, capacity), np.int64), np.empty((4, capacity))
    return TradeLog(whole[0], whole[1], real[0], real[1], real[2], real[3], whole[2])


@njit(cache=True, error_model="numpy")
def _copied(log: TradeLog, n: int, capacity: int) -> TradeLog:
    """The first n trades, with room for `capacity`."""
    into = _log_of(capacity)
    into.entry_row[:n] = log.entry_row[:n]
    into.exit_row[:n] = log.exit_row[:n]
    into.size[:n] = log.size[:n]
    into.entry_price[:n] = log.entry_price[:n]
    into.exit_price[:n] = log.exit_price[:n]
    into.pnl_bps[:n] = log.pnl_bps[:n]
    into.reason[:n] = log.reason[:n]
    return into


ROOM = 4096


@njit(cache=True, error_model="numpy")
def _run(panel: Panel, terms: _Terms, curves: Curves) -> TradeLog:
    """Fill the curves; the trades of all tickers."""
    log, n = _log_of(2 * ROOM), 0  # it grows: one as long as the bars took as long to map as the trading
    for ticker in range(panel.starts.size - 1):
        state, order, capital = _State(_NEW, FLAT, _NO_TRADE), 0.0, 1.0
        end = panel.starts[ticker + 1] - 1
        for first in range(panel.starts[ticker], end + 1, ROOM):
            if n + ROOM > log.size.size:  # at most one entry a bar, so at most as many trades
                log = _copied(log, n, 2 * log.size.size)
            rows = _Rows(first, min(first + ROOM, end + 1), end, order, capital, n)
            state, n = _run_rows(panel, rows, terms, curves, log, state)
            if state.account.cash <= 0.0 and state.account.units == 0.0:
                break
            order = panel.order[rows.last - 1]
            capital = state.account.cash + state.account.units * panel.close[rows.last - 1]
    return _copied(log, n, n)


def run(panel: Panel, rules: Rules, cost: float) -> tuple[Curves, TradeLog]:
    """Run every ticker through the state machine.

    cost: fee and slippage a side, fraction of the notional. Prices are positive and finite, orders finite.

    >>> price, order = np.array([10.0, 10.0, 12.0]), np.array([1.0, 0.0, 0.0])
    >>> panel = Panel(np.array([0, 3]), price, price, price, price, order, np.zeros(3))
    >>> curves, log = run(panel, Rules(np.inf, np.inf, np.inf, 2**62), 0.0)
    >>> curves.net_return.round(9).tolist(), log.pnl_bps.round(6).tolist()
    ([0.0, 0.0, 0.2], [2000.0])
    """
    # numba compiles (for seconds) once more for arrays that can be written; columns of a frame cannot.
    opened, high, low, close, order, funding = (_frozen(column) for column in panel[1:])
    frozen = Panel(_frozen(panel.starts), opened, high, low, close, order, funding)
    # NumPy asks the system for huge pages, numba does not: 2 instead of 6 ms for the curves of a million bars.
    curves = Curves(*np.empty((3, panel.close.size)))
    return curves, TradeLog(*_run(frozen, _Terms(rules, cost), curves))


def _frozen(column: NDArray[Number]) -> NDArray[Number]:
    view = column.view()
    view.flags.writeable = False
    return view
