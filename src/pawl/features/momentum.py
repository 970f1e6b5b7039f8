"""How hard the price pushes: strength, convergence of means, acceleration."""

import polars as pl

from pawl.features import rolling
from pawl.features.bar_columns import CLOSE
from pawl.features.feature import feature
from pawl.features.price import ret_5

__all__ = [
    "ema_spread_rel",
    "macd_hist_rel",
    "macd_line",
    "macd_rel",
    "macd_signal_rel",
    "price_accel",
    "rsi_14",
    "rsi_smooth",
]

RSI_ROWS = 1 + rolling.settled_rows(14, gain=1 / 14)
EMA5_ROWS = rolling.settled_rows(5, gain=2 / 6)
EMA9_ROWS = rolling.settled_rows(9, gain=2 / 10)
EMA26_ROWS = rolling.settled_rows(26, gain=2 / 27)


@feature(reads={"close": RSI_ROWS}, unit="index 0-100")
def rsi_14() -> pl.Expr:
    """Wilder's relative strength index of 14 bars; 50 where nothing has moved."""
    return rolling.rsi(CLOSE, 14)


@feature(reads={rsi_14: EMA5_ROWS}, unit="index 0-100")
def rsi_smooth() -> pl.Expr:
    """Exponential mean of 5 of rsi_14."""
    return rolling.ema(pl.col("rsi_14"), 5)


@feature(reads={"close": EMA26_ROWS}, unit="price")
def macd_line() -> pl.Expr:
    """Exponential mean of 12 closes minus that of 26, each started as a plain mean of its first closes."""
    return rolling.ema_spread(CLOSE, 12, 26)


@feature(reads={macd_line: 1, "close": 1}, unit="fraction")
def macd_rel() -> pl.Expr:
    """Convergence of means (12, 26) relative to the close."""
    return pl.col("macd_line") / CLOSE


@feature(reads={macd_line: EMA9_ROWS, "close": 1}, unit="fraction")
def macd_signal_rel() -> pl.Expr:
    """Exponential mean of 9 of the convergence of means (12, 26), relative to the close."""
    return rolling.ema(pl.col("macd_line"), 9) / CLOSE


@feature(reads={macd_rel: 1, macd_signal_rel: 1}, unit="fraction")
def macd_hist_rel() -> pl.Expr:
    """Convergence of means above its own mean of 9, relative to the close."""
    return pl.col("macd_rel") - pl.col("macd_signal_rel")


@feature(reads={macd_rel: 1}, unit="fraction")
def ema_spread_rel() -> pl.Expr:
    """(Exponential mean of 12 - that of 26) / close: the quantity of macd_rel."""
    return pl.col("macd_rel")


@feature(reads={ret_5: 6}, unit="fraction")
def price_accel() -> pl.Expr:
    """Change of the return over 5 bars: ret_5 now minus ret_5 of 5 bars ago."""
    return rolling.difference(pl.col("ret_5"), 5)
