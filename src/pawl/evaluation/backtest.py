"""The backtest: decisions at a bar's close, filled at the next open, through the trade state machine, net of costs."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pawl.errors import InputError, SchemaError
from pawl.evaluation.costs import Costs
from pawl.evaluation.kernel import Curves, Panel, TradeLog, run
from pawl.market.bars import UTC_TIME
from pawl.policy.machine import NO_RULES, ExitReason, Rules, TradeRules

__all__ = ["Backtest", "backtest"]

PRICES = ("open", "high", "low", "close")
BAR_INPUTS = ("ticker", "ts", *PRICES)
DECISION_INPUTS = ("ticker", "ts", "action", "position_size")
FUNDING_INPUTS = ("ticker", "ts", "funding_rate_frac")
WHERE = "backtest"
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
REASONS = [reason.name.lower() for reason in ExitReason]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What came of the decisions.

    trades: one row a trade: ticker, side (long or short), entry_ts, exit_ts (the bars of the fills), entry_price,
        exit_price (averages over its fills), size (the first one, signed), pnl_bps (net, of the notional put in),
        n_bars (bars from the first fill to the last), exit_reason.
    equity: one row a ts: net_return (mean over the tickers that have a bar then: equal capital each), equity (starts
        from 1 before the first bar), drawdown (magnitude ≥ 0, of the highest equity so far), exposure (mean of the
        absolute shares held at the close), turnover (mean of the shares traded).
    returns: one row a ticker and ts: net_return, exposure (signed), turnover of the ticker's own account.
    """

    trades: pl.DataFrame
    equity: pl.DataFrame
    returns: pl.DataFrame


def backtest(
    bars: pl.DataFrame,
    decisions: pl.DataFrame,
    costs: Costs,
    rules: TradeRules | None = None,
    funding: pl.DataFrame | None = None,
) -> Backtest:
    """Trade the decisions over the bars.

    bars: silver bars (ticker, ts, open, high, low, close). decisions: ticker, ts, action (long, short or flat) and
    position_size (signed share of the ticker's capital, of the action's sign). A decision on bar t is filled at the
    open of the ticker's next bar. A bar without a decision counts as flat: what was not decided is not held.
    funding: ticker, ts (of the settlement), funding_rate_frac, which longs pay to shorts while they hold: a settlement
    belongs to the bar with bar.ts < ts ≤ the next bar's ts, is reckoned at that bar's close, and what left inside the
    bar pays it but never earns it. Settlements before a ticker's first bar or after its last one (`available_at`, which
    the bars then need) are left out.
    A ticker whose bars end is closed at its last close. An account that loses everything trades no more.
    InputError: duplicate rows, a decision on no bar, a size that is not finite or contradicts its action, a price that
    is null or not positive. An empty frame of bars gives empty frames.

    >>> from datetime import UTC, datetime
    >>> days = [datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    >>> bars = pl.DataFrame({"ticker": ["A"] * 3, "ts": days, "open": [10.0, 10.0, 11.0], "high": [10.0, 11.0, 12.0],
    ...                      "low": [10.0, 10.0, 11.0], "close": [10.0, 11.0, 12.0]})
    >>> decisions = pl.DataFrame({"ticker": ["A"] * 3, "ts": days, "action": ["long"] * 3, "position_size": [1.0] * 3})
    >>> done = backtest(bars, decisions, Costs(fee_bps=0, slippage_bps=0))
    >>> done.trades.select("entry_price", "exit_price", pl.col("pnl_bps").round(6), "exit_reason").row(0)
    (10.0, 12.0, 2000.0, 'end')
    """
    bars = _ordered(bars, BAR_INPUTS if funding is None else (*BAR_INPUTS, "available_at"), "bars")
    starts = _starts(bars)
    settled = np.empty(0) if funding is None else _settled(bars, funding)
    opened, high, low, close = _prices(bars)
    panel = Panel(starts, opened, high, low, close, _orders(bars, decisions), settled)
    compiled: Rules = rules.compiled() if rules is not None else NO_RULES
    curves, log = run(panel, compiled, costs.fraction)
    returns = _returns(bars, curves)
    is_one_ticker = starts.size == 2
    return Backtest(
        trades=_trades(bars, log), equity=_equity(returns if is_one_ticker else _pooled(returns)), returns=returns
    )


def _ordered(frame: pl.DataFrame, columns: tuple[str, ...], name: str) -> pl.DataFrame:
    """The columns, sorted by (ticker, ts), each pair once."""
    absent = [column for column in columns if column not in frame.columns]
    if absent:
        raise SchemaError(f"column `{absent[0]}` is missing", where=f"{WHERE}, {name}", fix="hand it in")
    chosen = frame.select(columns).with_columns(pl.col("ts").cast(UTC_TIME))
    if not _is_rising(chosen):
        chosen = chosen.sort("ticker", "ts")
        if not _is_rising(chosen):
            raise InputError("a ticker and ts stand twice", where=f"{WHERE}, {name}", fix="keep one row for each")
    return chosen


def _starts(frame: pl.DataFrame) -> Ints:
    """The first row of every run of one ticker, and the end."""
    ticker = frame.get_column("ticker")
    changes = np.flatnonzero((ticker.slice(1) != ticker.head(-1)).to_numpy()) + 1
    return np.array([0, *changes, frame.height] if frame.height else [0], dtype=np.int64)


def _is_rising(frame: pl.DataFrame) -> bool:
    """Whether the rows stand strictly after one another, by (ticker, ts)."""
    starts = _starts(frame)
    is_later = np.diff(frame.get_column("ts").to_physical().to_numpy()) > 0
    is_later[starts[1:-1] - 1] = True
    tickers = frame.get_column("ticker").gather(starts[:-1])
    return bool(is_later.all()) and tickers.n_unique() == tickers.len() and tickers.is_sorted()


def _orders(bars: pl.DataFrame, decisions: pl.DataFrame) -> Floats:
    """The size decided on every bar; 0 where nothing was decided."""
    decided = _ordered(decisions, DECISION_INPUTS, "decisions")
    size, action = decided.get_column("position_size"), decided.get_column("action")
    is_wrong = (~size.is_finite()).fill_null(value=True)
    for name, is_signed in (("long", size > 0), ("short", size < 0), ("flat", size == 0)):
        is_wrong |= is_signed.ne_missing(action == name)
    if is_wrong.any():
        ticker, ts, said, amount = decided.row(int(is_wrong.arg_true()[0]))
        raise InputError(
            f"{ticker} at {ts} says {said} with a size of {amount}",
            where=f"{WHERE}, decisions",
            fix="long needs a positive finite size, short a negative one, flat zero",
        )
    if decided.height == bars.height and decided.select("ticker", "ts").equals(bars.select("ticker", "ts")):
        return _numbers(decided, "position_size")
    lost = decided.join(bars, on=["ticker", "ts"], how="anti")
    if lost.height:
        ticker, ts = lost.row(0)[:2]
        raise InputError(
            f"{lost.height} decisions stand on no bar, the first is {ticker} at {ts}",
            where=f"{WHERE}, decisions",
            fix="hand in the bars they were decided on",
        )
    joined = bars.select("ticker", "ts").join(decided, on=["ticker", "ts"], how="left", maintain_order="left")
    return _numbers(joined.with_columns(pl.col("position_size").fill_null(0.0)), "position_size")


def _numbers(frame: pl.DataFrame, name: str) -> Floats:
    return np.ascontiguousarray(frame.get_column(name).cast(pl.Float64).to_numpy(), np.float64)


def _settled(bars: pl.DataFrame, funding: pl.DataFrame) -> Floats:
    """The rate settled in every bar: the sum over ts < settlement ≤ the next bar's ts (the last bar: available_at)."""
    rates = _ordered(funding, FUNDING_INPUTS, "funding").filter(pl.col("funding_rate_frac").is_finite())
    end = pl.max_horizontal("available_at", pl.col("ts").shift(-1).over("ticker"))
    spans = bars.select("ticker", "ts", bar=pl.col("ts"), end=end)
    # A settlement at the very open of a bar is paid by who held before it.
    keyed = rates.with_columns(settled=pl.col("ts"), ts=pl.col("ts").dt.offset_by("-1us"))
    by_bar = (
        keyed.join_asof(spans, on="ts", by="ticker", strategy="backward", check_sortedness=False)
        .filter(pl.col("settled") <= pl.col("end"))
        .group_by("ticker", "bar")
        .agg(pl.col("funding_rate_frac").sum())
    )
    joined = spans.join(by_bar, on=["ticker", "bar"], how="left", maintain_order="left")
    return _numbers(joined.with_columns(pl.col("funding_rate_frac").fill_null(0.0)), "funding_rate_frac")


def _prices(bars: pl.DataFrame) -> list[Floats]:
    prices = [_numbers(bars, name) for name in PRICES]
    for name, column in zip(PRICES, prices, strict=True):
        # NaN (a null too) makes both comparisons false.
        if column.size and not (column.min() > 0 and column.max() < np.inf):
            raise InputError(
                f"a {name} is null, not finite or not positive",
                where=f"{WHERE}, bars",
                fix="run `pawl data check` and trade what passes",
            )
    return prices


def _returns(bars: pl.DataFrame, curves: Curves) -> pl.DataFrame:
    return bars.select("ticker", "ts").with_columns(
        net_return=pl.Series(curves.net_return),
        exposure=pl.Series(curves.exposure),
        turnover=pl.Series(curves.traded),
    )


def _pooled(returns: pl.DataFrame) -> pl.DataFrame:
    """One row a ts: the mean over the tickers that have a bar then."""
    means = (pl.col("net_return").mean(), pl.col("exposure").abs().mean(), pl.col("turnover").mean())
    return returns.group_by("ts").agg(means).sort("ts")


def _equity(pooled: pl.DataFrame) -> pl.DataFrame:
    equity = np.cumprod(1.0 + pooled.get_column("net_return").to_numpy())
    peak = np.maximum(np.maximum.accumulate(equity), 1.0)
    drawdown = np.subtract(1.0, np.divide(equity, peak, out=peak), out=peak)
    return pooled.select(
        "ts",
        pl.Series("equity", equity),
        pl.Series("drawdown", drawdown),
        "net_return",
        pl.col("exposure").abs(),
        "turnover",
    )


def _trades(bars: pl.DataFrame, log: TradeLog) -> pl.DataFrame:
    tickers, ts = bars.get_column("ticker"), bars.get_column("ts")
    return pl.DataFrame(
        {
            "ticker": tickers.gather(log.entry_row),
            "side": pl.Series(np.where(log.size > 0, "long", "short"), dtype=pl.String),
            "entry_ts": ts.gather(log.entry_row),
            "exit_ts": ts.gather(log.exit_row),
            "entry_price": log.entry_price,
            "exit_price": log.exit_price,
            "size": log.size,
            "pnl_bps": log.pnl_bps,
            "n_bars": log.exit_row - log.entry_row + 1,
            "exit_reason": pl.Series(log.reason).replace_strict(range(len(REASONS)), REASONS, return_dtype=pl.String),
        }
    )
