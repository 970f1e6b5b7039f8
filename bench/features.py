"""The m002 feature set against TA-Lib and NumPy computing the same 37 columns; one thread each.

    python bench/features.py [--repeats 5] [--bars 1000000] [--tickers 500] [--json FILE]

Two shapes: one series of 1,000,000 bars, and a panel of 500 tickers of 2,500 bars.

Ours: `build_dataset(bars).collect()`, from a frame to a frame, its check of the order and its nulls included.

The peer: TA-Lib where it has the indicator, vectorised NumPy for the rest; on the panel a loop over the tickers that
writes into columns made beforehand. It is measured twice: from arrays to arrays, with NaN for missing and ready numbers
of rows; and from the frame to a frame with the same column types and nulls in its numbers (its flags keep false for
missing, in its favour).

All in this process, one after the other in every round, so that a neighbour's load falls on all alike. Figures are
medians of rows per second by the wall clock; each ratio is the median over the rounds, by the wall clock and by CPU
time (on a shared machine the second is the one to believe). Before the clock starts the columns are compared, behind
the rows on which differently started means are remembered; if they differ, nothing is printed.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

os.environ["POLARS_MAX_THREADS"] = "1"  # read when Polars is first imported

import numpy as np
import polars as pl
import talib
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.signal import lfilter

from pawl.features.sets import FEATURE_SETS, build_dataset

Floats = NDArray[np.float64]
Columns = dict[str, NDArray[np.generic]]

NAMES = FEATURE_SETS["m002"].names
FLAGS = tuple(name for name in NAMES if name.startswith("I_") or (name.startswith("event") and "freq" not in name))
COUNTS = ("event_volume_regain_freq20", "days_since_volume_regain")
# Behind these rows TA-Lib's other start of the fast mean in MACD weighs nothing.
SETTLED_ROWS = 420
# Weights that give the curvature of the least-squares parabola from 7 values, newest first, as np.convolve wants them.
PARABOLA = 2 * np.linalg.pinv(np.vander(np.arange(7.0) - 3, 3))[0][::-1]
SAMPLE_20, SAMPLE_60 = np.sqrt(20 / 19), np.sqrt(60 / 59)


def simulated(n_tickers: int, n_bars: int) -> pl.DataFrame:
    """Walks around a level, in the order of (ticker, ts)."""
    rng = np.random.default_rng(7)
    n = n_tickers * n_bars
    # Pulled back to its level: TA-Lib's running sums would forget a price that falls by many orders of magnitude.
    close = 100 * np.exp(lfilter([1.0], [1.0, -0.999], rng.standard_t(4, (n_tickers, n_bars)) * 0.01)).ravel()
    open_ = close * np.exp(rng.normal(0, 0.004, n))
    first = datetime(2000, 1, 1, tzinfo=UTC)
    ts = pl.datetime_range(first, first + timedelta(minutes=n_bars - 1), "1m", eager=True).dt.cast_time_unit("us")
    return pl.DataFrame(
        {
            "ticker": np.repeat([f"T{number:04d}" for number in range(n_tickers)], n_bars),
            "ts": pl.concat([ts] * n_tickers),
            "open": open_,
            "high": np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, 0.004, n))),
            "low": np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, 0.004, n))),
            "close": close,
            "volume": np.exp(rng.normal(10, 0.6, n)),
        }
    ).rechunk()


def peer_columns(open_: Floats, high: Floats, low: Floats, close: Floats, volume: Floats) -> Columns:
    """The 37 columns of one ticker with TA-Lib and NumPy; NaN, or false, where there are too few rows."""
    columns: Columns = {f"ret_{rows}": talib.ROCP(close, rows) for rows in (1, 5, 10, 20)}
    log_close = np.log(close)
    columns["log_ret_1"] = _after(1, np.diff(log_close))
    columns["vol_20"] = talib.STDDEV(columns["log_ret_1"], 20) * SAMPLE_20
    columns["hl_range"] = (high - low) / close
    columns["co_ret"] = close / open_ - 1
    mean_volume = talib.SMA(volume, 20)
    columns["volume_ratio_20"] = ratio = volume / mean_volume
    columns["rsi_14"] = talib.RSI(close, 14)
    line, signal, histogram = talib.MACD(close, 12, 26, 9)
    columns["macd_rel"], columns["macd_signal_rel"], columns["macd_hist_rel"] = (
        line / close,
        signal / close,
        histogram / close,
    )
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    width = upper - lower
    columns["bb_pctb_20"] = (close - lower) / width
    columns["bb_width_20"] = width / middle
    columns["atr_14"] = talib.ATR(high, low, close, 14)
    mean_60 = talib.SMA(close, 60)
    columns["dist_sma20"] = close / middle - 1
    columns["dist_sma60"] = close / mean_60 - 1
    columns["drawdown_60"] = close / talib.MAX(close, 60) - 1
    bottom = talib.MIN(low, 60)
    columns["range_pos_60"] = (close - bottom) / (talib.MAX(high, 60) - bottom)
    columns["obv_slope_20"] = talib.LINEARREG_SLOPE(talib.OBV(close, volume), 20) / mean_volume
    columns["volume_z_20"] = (volume - mean_volume) / (talib.STDDEV(volume, 20) * SAMPLE_20)
    columns["rsi_smooth"] = talib.EMA(columns["rsi_14"], 5)
    columns["atr_rel"] = columns["atr_14"] / close
    columns["atr_smooth"] = talib.EMA(columns["atr_rel"], 10)
    curvature = _after(6, np.convolve(log_close, PARABOLA[::-1], "valid"))
    columns["curv_2"] = curvature / (talib.STDDEV(curvature, 60) * SAMPLE_60)
    columns["price_accel"] = columns["ret_5"] - _after(5, columns["ret_5"][:-5])
    columns["ema_spread_rel"] = columns["macd_rel"]
    return columns | _peer_events(columns, high, low, close, ratio, mean_60)


def _peer_events(columns: Columns, high: Floats, low: Floats, close: Floats, ratio: Floats, mean_60: Floats) -> Columns:
    relative = talib.TRANGE(high, low, close) / close
    usual = talib.SMA(relative, 20) + 2 * SAMPLE_20 * talib.STDDEV(relative, 20)
    spike = relative >= _after(1, usual[:-1])
    before = _after(1, ratio[:-1])
    regain = (ratio >= 1) & (before < 1) & (talib.MIN(before, 5) < 0.8)
    fall = close / talib.MAX(close, 20) - 1
    candidate = (fall <= -0.08) & (columns["rsi_smooth"] < 40) & (columns["price_accel"] > 0)
    is_falling = (columns["ema_spread_rel"] < 0) & (close < mean_60) & (columns["ret_5"] < -0.03)
    risk = (close < _after(1, talib.MIN(low, 20)[:-1])) | is_falling
    days = talib.SUM(risk.astype(np.float64), 10)
    regains, spikes = regain.astype(np.float64), spike.astype(np.float64)
    place = np.arange(close.size)
    since = place - np.maximum.accumulate(np.where(regain, place, -60))
    return {
        "event_local_vol_spike": spike,
        "event_volume_regain": regain,
        "event_rebound_candidate": candidate,
        "event_breakdown_risk": risk,
        "I_bd_early": risk & (days <= 3),
        "I_bd_late": (days >= 5) & (columns["curv_2"] > 0),
        "I_vr_and_vs": (talib.SUM(regains, 3) >= 1) & (talib.SUM(spikes, 3) >= 1),
        "event_volume_regain_freq20": talib.SUM(regains, 20),
        "days_since_volume_regain": np.minimum(since, 60),
    }


def _after(rows: int, values: Floats) -> Floats:
    out = np.empty(values.size + rows)
    out[:rows] = np.nan
    out[rows:] = values
    return out


def peer_panel(arrays: list[Floats], n_tickers: int) -> Columns:
    """The columns of every ticker: a loop, and columns made beforehand for more than one."""
    n = arrays[0].size
    if n_tickers == 1:
        return peer_columns(*arrays)
    rows = n // n_tickers
    out: Columns = {name: np.empty(n, bool if name in FLAGS else np.float64) for name in NAMES}
    for begin in range(0, n, rows):
        part = slice(begin, begin + rows)
        for name, column in peer_columns(*(array[part] for array in arrays)).items():
            out[name][part] = column
    return out


def peer_frame(bars: pl.DataFrame) -> pl.DataFrame:
    """The columns behind those of the bars, a missing number as null."""
    n_tickers = bars.get_column("ticker").rle().len()
    arrays = [bars.get_column(name).to_numpy() for name in ("open", "high", "low", "close", "volume")]
    columns = peer_panel(arrays, n_tickers)
    made = []
    for name in NAMES:
        series = pl.Series(name, columns[name], nan_to_null=name not in FLAGS)
        made.append(series.cast(pl.Int32) if name in COUNTS else series)
    return bars.hstack(made)


def disagreements(ours: pl.DataFrame, peer: Columns, n_tickers: int) -> list[str]:
    """Names of columns that differ behind the start of each ticker."""
    is_settled = np.arange(ours.height) % (ours.height // n_tickers) >= SETTLED_ROWS
    bad = []
    for name in NAMES:
        a, b = ours.get_column(name).cast(pl.Float64).to_numpy()[is_settled], peer[name][is_settled].astype(np.float64)
        if name in FLAGS:
            is_same = np.mean(a != b) < 1e-5  # a last bit may tip a limit
        else:
            # TA-Lib's deviations subtract squares of running sums, which costs it about six digits.
            is_same = np.allclose(a, b, rtol=1e-5, atol=1e-5 * float(np.nanstd(a)))
        if not is_same:
            bad.append(name)
    return bad


def measure(n_tickers: int, n_bars: int, repeats: int) -> dict[str, float]:
    """Rows per second on this shape, and our ratios to the peer."""
    bars = simulated(n_tickers, n_bars)
    arrays = [bars.get_column(name).to_numpy() for name in ("open", "high", "low", "close", "volume")]
    runs: dict[str, Callable[[], object]] = {
        "ours": lambda: build_dataset(bars).collect(),
        "arrays": lambda: peer_panel(arrays, n_tickers),
        "frames": lambda: peer_frame(bars),
    }
    # This also compiles the kernels, or reads them from their cache.
    if bad := disagreements(build_dataset(bars).collect(), peer_panel(arrays, n_tickers), n_tickers):
        raise SystemExit(f"the columns differ: {', '.join(bad)}")
    peer_frame(bars)
    wall: dict[str, list[float]] = {name: [] for name in runs}
    cpu: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            begin, begin_cpu = time.perf_counter(), time.process_time()
            result = run()
            wall[name].append(time.perf_counter() - begin)
            cpu[name].append(time.process_time() - begin_cpu)
            del result
    figures = {f"{name}_rows_s": bars.height / median(each) for name, each in wall.items()}
    for clock, seconds in (("wall", wall), ("cpu", cpu)):
        for peer in ("arrays", "frames"):
            pairs = zip(seconds[peer], seconds["ours"], strict=True)
            figures[f"{peer}_{clock}_ratio"] = median(theirs / ours for theirs, ours in pairs)
    return figures


def main() -> None:
    """Measure both shapes and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--bars", type=int, default=1_000_000)
    parser.add_argument("--tickers", type=int, default=500)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    figures = {
        f"1 x {options.bars:,}": measure(1, options.bars, options.repeats),
        f"{options.tickers} x 2,500": measure(options.tickers, 2500, options.repeats),
    }
    table = Table(title=f"m002 features, 37 columns: million rows/s, one thread, load {load:.1f}")
    for column in ("shape", "peer", "Pawl", "peer ", "wall ratio", "CPU ratio", "must", "aim"):
        table.add_column(column, justify="left" if column in ("shape", "peer") else "right")
    for (shape, each), aim in zip(figures.items(), ("2.5", "3"), strict=True):
        for peer in ("arrays", "frames"):
            rows = [each["ours_rows_s"] / 1e6, each[f"{peer}_rows_s"] / 1e6]
            ratios = [each[f"{peer}_wall_ratio"], each[f"{peer}_cpu_ratio"]]
            table.add_row(shape, peer, *(f"{value:.2f}" for value in rows + ratios), "1.0", aim)
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps({"load_average": load, **figures}, indent=2))


if __name__ == "__main__":
    main()
