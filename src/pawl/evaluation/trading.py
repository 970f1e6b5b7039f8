"""How well a backtest traded: return, risk, and what it took to get them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from pawl.evaluation.backtest import Backtest

__all__ = [
    "TradingMetrics",
    "hit_rate",
    "max_drawdown",
    "net_return",
    "profit_factor",
    "sharpe_ratio",
    "sortino_ratio",
    "trading_metrics",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingMetrics:
    """Figures of one backtest; NaN where nothing was there to measure.

    n_trades: count. net_return: over the whole span, fraction. net_bps_per_trade: mean of the trades' pnl_bps.
    hit_rate: share of trades that earned. profit_factor: gains over losses. max_drawdown: magnitude, fraction ≥ 0.
    sharpe, sortino: a year. turnover: notional traded a year, over equity. exposure: mean share of equity held.
    """

    n_trades: int
    net_return: float
    net_bps_per_trade: float
    hit_rate: float
    profit_factor: float
    max_drawdown: float
    sharpe: float
    sortino: float
    turnover: float
    exposure: float

    def as_dict(self) -> Mapping[str, float]:
        """The figures by name."""
        return asdict(self)


def trading_metrics(done: Backtest, bars_per_year: float) -> TradingMetrics:
    """All figures of a backtest. bars_per_year: 365 for daily bars that trade every day, 252 for equities."""
    returns = done.equity.get_column("net_return").to_numpy()
    pnl_bps = done.trades.get_column("pnl_bps").to_numpy()
    return TradingMetrics(
        n_trades=pnl_bps.size,
        net_return=net_return(returns),
        net_bps_per_trade=_mean(pnl_bps),
        hit_rate=hit_rate(pnl_bps),
        profit_factor=profit_factor(pnl_bps),
        max_drawdown=max_drawdown(returns),
        sharpe=sharpe_ratio(returns, bars_per_year),
        sortino=sortino_ratio(returns, bars_per_year),
        turnover=_mean(done.equity.get_column("turnover").to_numpy()) * bars_per_year,
        exposure=_mean(done.equity.get_column("exposure").to_numpy()),
    )


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else float("nan")


def net_return(returns: Floats) -> float:
    """Compounded return, fraction; returns: (n,) a bar. Empty gives NaN.

    >>> round(net_return(np.array([0.1, -0.1])), 6)
    -0.01
    """
    return float(np.prod(1.0 + returns) - 1.0) if returns.size else float("nan")


def max_drawdown(returns: Floats) -> float:
    """Largest fall of the equity from its highest point so far (the start counts), magnitude ≥ 0; empty gives NaN.

    >>> round(max_drawdown(np.array([0.1, -0.2, 0.05])), 6)
    0.2
    """
    if not returns.size:
        return float("nan")
    equity = np.concatenate(([1.0], np.cumprod(1.0 + returns)))
    return float((1.0 - equity / np.maximum.accumulate(equity)).max())


def sharpe_ratio(returns: Floats, bars_per_year: float) -> float:
    """Mean over standard deviation (n − 1) of the returns a bar, times √bars_per_year; no riskless rate is taken off.

    Fewer than 2 returns, or returns that do not vary, give NaN.

    >>> round(sharpe_ratio(np.array([0.01, 0.03]), 1.0), 6)
    1.414214
    """
    if returns.size < 2:
        return float("nan")
    spread = float(returns.std(ddof=1))
    if not spread > _rounding(returns):
        return float("nan")
    return float(returns.mean()) / spread * float(np.sqrt(bars_per_year))


def _rounding(returns: Floats) -> float:
    # The deviation of a constant series is not exactly zero in floating point.
    return 1e-14 * float(np.abs(returns).max())


def sortino_ratio(returns: Floats, bars_per_year: float) -> float:
    """Mean over downside deviation √(mean(min(r, 0)²)), times √bars_per_year. No loss, or no return, gives NaN.

    >>> round(sortino_ratio(np.array([0.03, -0.01]), 1.0), 6)
    1.414214
    """
    if not returns.size:
        return float("nan")
    downside = float(np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2)))
    return float(returns.mean()) / downside * float(np.sqrt(bars_per_year)) if downside > 0 else float("nan")


def hit_rate(pnl_bps: Floats) -> float:
    """Share of trades that earned more than nothing after costs; no trade gives NaN.

    >>> hit_rate(np.array([5.0, -1.0, 0.0, 2.0]))
    0.5
    """
    return _mean(np.where(np.isnan(pnl_bps), pnl_bps, pnl_bps > 0))


def profit_factor(pnl_bps: Floats) -> float:
    """Sum of the gains over the magnitude of the sum of the losses; no loss, or no trade, gives NaN.

    >>> profit_factor(np.array([30.0, -10.0, -5.0]))
    2.0
    """
    gains, losses = float(np.maximum(pnl_bps, 0.0).sum()), float(-np.minimum(pnl_bps, 0.0).sum())
    return gains / losses if losses > 0 else float("nan")
