"""The backtest on a million bars with stop, target, trailing stop and fees: against vectorbt and a plain numba loop.

    python bench/backtest.py [--repeats 5] [--bars 1000000] [--peers .venv-bench/bin/python] [--json FILE]

Warm. In every round, one after the other, so that a neighbour's load falls on all alike: the kernel of Pawl (arrays in;
a return, an exposure and a turnover a bar and all trades out), the plain loop below (arrays in; equity a bar out; long
or flat, no trades kept), and vectorbt's `Portfolio.from_signals` in a process of its own (arrays in; its order records
out; stop and trailing cannot both be set there, so it has trailing and target). Then `backtest`, from frame to frames.
Figures are medians, of wall and of CPU time (which a neighbour's load disturbs less); ratios are of medians. Loop and
kernel must end with the same equity, or nothing is printed.

Cold. A fresh process reads the bars from a file, imports Pawl, and trades once, its kernels from numba's cache: wall
time from its start to its end, interpreter and imports included.

The peers' environment: `python3 -m venv .venv-bench && .venv-bench/bin/pip install vectorbt==1.2.0`. Without it the
vectorbt line is left out, and says so.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from pawl.evaluation.backtest import backtest
from pawl.evaluation.costs import Costs
from pawl.evaluation.kernel import Panel, run
from pawl.policy.machine import TradeRules

Floats = NDArray[np.float64]
Seconds = tuple[float, float]

RULES = TradeRules(stop=0.02, target=0.04, trailing=0.03)
COSTS = Costs(fee_bps=5, slippage_bps=0)

WORKER = """
import sys, time
import numpy as np, pandas as pd, vectorbt as vbt
bars = np.load(sys.argv[1])
order = pd.Series(np.concatenate(([0.0], bars["order"][:-1])))
entries, exits = order > 0, order <= 0
prices = {name: pd.Series(bars[name]) for name in ("open", "high", "low", "close")}
def trade():
    return vbt.Portfolio.from_signals(
        prices["close"], entries, exits, price=prices["open"], open=prices["open"], high=prices["high"],
        low=prices["low"], fees=0.0005, sl_stop=0.03, sl_trail=True, tp_stop=0.04, stop_entry_price="fillprice",
        freq="1min",
    )
trade()
print("ready", vbt.__version__, flush=True)
for _ in sys.stdin:
    wall, cpu = time.perf_counter(), time.process_time()
    orders = len(trade().order_records)
    print(time.perf_counter() - wall, time.process_time() - cpu, orders, flush=True)
"""

COLD = """
import sys
import polars as pl
from pawl.evaluation.backtest import backtest
from pawl.evaluation.costs import Costs
from pawl.policy.machine import TradeRules
bars, decisions = pl.read_parquet(sys.argv[1]), pl.read_parquet(sys.argv[2])
done = backtest(bars, decisions, Costs(fee_bps=5, slippage_bps=0), TradeRules(stop=0.02, target=0.04, trailing=0.03))
print(done.trades.height)
"""


@njit
def plain_loop(opened: Floats, high: Floats, low: Floats, close: Floats, order: Floats, fee: float) -> Floats:
    """What one would write by hand for long or flat: the same fills, and nothing kept but the equity."""
    n = close.size
    equity = np.empty(n)
    cash, units = 1.0, 0.0
    stop, target, peak = 0.0, 0.0, 0.0
    wanted = 0.0
    for at in range(n):
        price = opened[at]
        was_long = units > 0.0
        if was_long:
            level = max(stop, peak * (1.0 - 0.03))
            if price <= level or price >= target or wanted == 0.0:
                cash += units * price * (1.0 - fee)
                units = 0.0
        elif wanted > 0.0:
            units = cash / price
            cash -= units * price * (1.0 + fee)
            stop, target, peak = price * (1.0 - 0.02), price * (1.0 + 0.04), price
        if units > 0.0:
            level = max(stop, peak * (1.0 - 0.03))
            left = 0.0
            if low[at] <= level:
                left = level
            elif high[at] >= target:
                left = target
            if left > 0.0:
                cash += units * left * (1.0 - fee)
                units = 0.0
            elif high[at] > peak:
                peak = high[at]
        equity[at] = cash + units * close[at]
        wanted = order[at]
    return equity


def market(n: int) -> dict[str, Floats]:
    """A seeded minute series and orders that turn long or flat every 50 bars or so."""
    rng = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.003, n)))
    opened = np.concatenate(([100.0], close[:-1])) * np.exp(rng.normal(0, 0.0005, n))
    high = np.maximum(opened, close) * (1 + np.abs(rng.normal(0, 0.001, n)))
    low = np.minimum(opened, close) * (1 - np.abs(rng.normal(0, 0.001, n)))
    turns = rng.random(n)
    # The last turn before a bar decides: long after a low draw, flat after a high one.
    last = np.maximum.accumulate(np.where((turns < 0.02) | (turns > 0.98), np.arange(n), 0))
    order = np.where(turns[last] < 0.02, 1.0, 0.0)
    order[-2:] = 0.0
    return {"open": opened, "high": high, "low": low, "close": close, "order": order}


def frames(bars: dict[str, Floats]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The same as silver bars and decisions."""
    n, start = bars["close"].size, datetime(2020, 1, 1, tzinfo=UTC)
    ts = pl.datetime_range(start, start + timedelta(minutes=n - 1), "1m", eager=True, time_unit="us")
    table = pl.DataFrame({"ticker": pl.Series(["BTCUSDT"]).new_from_index(0, n), "ts": ts, **bars})
    action = pl.when(pl.col("order") > 0).then(pl.lit("long")).otherwise(pl.lit("flat")).alias("action")
    return table.drop("order"), table.select("ticker", "ts", action, pl.col("order").alias("position_size"))


def clocked(work: Callable[[], object]) -> Seconds:
    """Wall and CPU time of one run."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


class VectorbtWorker:
    """vectorbt in a process of its own, one run a call."""

    def __init__(self, python: str, bars: Path) -> None:
        self.process = subprocess.Popen(
            [python, "-c", WORKER, str(bars)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.version = self._line().split()[1]

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def seconds(self) -> Seconds:
        """Wall and CPU time of one warm run, measured over there."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        wall, cpu = self._line().split()[:2]
        return float(wall), float(cpu)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Median seconds by name, and what they were measured on."""

    n_bars: int
    n_trades: int
    load: float
    peer: str
    wall: dict[str, float]
    cpu: dict[str, float]


def measure(n: int, repeats: int, peers: str) -> Found:
    """Trade the same bars with everything there is, in turns."""
    bars = market(n)
    table, decisions = frames(bars)
    arrays = [bars[name] for name in ("open", "high", "low", "close", "order")]
    panel = Panel(np.array([0, n]), *arrays, np.empty(0))
    works = {
        "kernel": lambda: run(panel, RULES.compiled(), COSTS.fraction),
        "loop": lambda: plain_loop(*arrays, COSTS.fraction),
        "frames": lambda: backtest(table, decisions, COSTS, RULES),
    }
    ours = np.prod(1.0 + run(panel, RULES.compiled(), COSTS.fraction)[0].net_return)
    np.testing.assert_allclose(ours, plain_loop(*arrays, COSTS.fraction)[-1], rtol=1e-6)
    n_trades = backtest(table, decisions, COSTS, RULES).trades.height
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "bars.npz"
        np.savez(saved, **bars)
        paths = [Path(folder) / name for name in ("bars.parquet", "decisions.parquet")]
        for frame, path in zip((table, decisions), paths, strict=True):
            frame.write_parquet(path)
        vectorbt = VectorbtWorker(peers, saved) if Path(peers).exists() else None
        seconds: dict[str, list[Seconds]] = {name: [] for name in (*works, "vectorbt", "cold")}
        for _ in range(repeats):
            for name in ("kernel", "loop"):
                seconds[name].append(clocked(works[name]))
            if vectorbt:
                seconds["vectorbt"].append(vectorbt.seconds())
        if vectorbt:
            vectorbt.close()
        # After the others: the frames leave an allocator behind that has given its pages back.
        seconds["frames"] = [clocked(works["frames"]) for _ in range(repeats)]
        cold = [sys.executable, "-c", COLD, *map(str, paths)]
        for _ in range(repeats):
            seconds["cold"].append(clocked(lambda: subprocess.run(cold, check=True, capture_output=True)))
    version = f"vectorbt {vectorbt.version}" if vectorbt else "vectorbt: not installed, see --help"
    return Found(
        n_bars=n,
        n_trades=n_trades,
        load=os.getloadavg()[0],
        peer=version,
        wall={name: median(wall for wall, _ in values) for name, values in seconds.items() if values},
        cpu={name: median(cpu for _, cpu in values) for name, values in seconds.items() if values and name != "cold"},
    )


def show(found: Found) -> None:
    """The figures as a table."""
    table = Table(title=f"Backtest of {found.n_bars:,} bars, {found.n_trades:,} trades; load {found.load:.1f}")
    for heading in ("", "ms, wall", "M bars/s", "of kernel", "ms, CPU", "of kernel "):
        table.add_column(heading, justify="right" if heading else "left")
    titles = {
        "kernel": "Pawl, arrays to arrays (kernel)",
        "frames": "Pawl, frames to frames",
        "loop": "plain numba loop",
        "vectorbt": found.peer,
        "cold": "Pawl, cold process",
    }
    for name, title in titles.items():
        if name not in found.wall:
            table.add_row(title)
            continue
        wall, cpu = found.wall[name], found.cpu.get(name)
        cells = [f"{wall * 1e3:.1f}", f"{found.n_bars / wall / 1e6:.1f}", f"{wall / found.wall['kernel']:.2f}×"]
        cells += [f"{cpu * 1e3:.1f}", f"{cpu / found.cpu['kernel']:.2f}×"] if cpu else []
        table.add_row(title, *cells)
    Console().print(table)


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--bars", type=int, default=1_000_000)
    parser.add_argument("--peers", default=".venv-bench/bin/python", help="python of the environment with vectorbt")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    found = measure(chosen.bars, chosen.repeats, chosen.peers)
    show(found)
    if chosen.json:
        chosen.json.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
