"""What a replay costs: the size users run, the share that is not fitting or predicting, and how it grows.

    python bench/replay.py [--quick] [--json FILE]

The market is simulated, m002 has its defaults, trainings read two years back and come every 91 days; two workers, one
thread each. Every case is a process of its own. *driver*: share of the wall time outside `fit` and `predict` of the
learner and its baselines: reading, checks, verdicts, decisions, backtests, the log. The proof of the features is made
before the clock starts, as a user's own is made once. *MiB*: the main process and its workers together at their peak,
pages that they share counted once (PSS, four looks a second). *grown*: the main process, last step less second, MiB.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import numpy as np
from rich.console import Console
from rich.table import Table

from pawl.evaluation.costs import Costs
from pawl.gates.policy_gate import GateSettings
from pawl.jobs.proving import prove_bars
from pawl.jobs.replay_plan import ReplayOrder
from pawl.jobs.replaying import Watch, run_replay
from pawl.jobs.workers import workers
from pawl.jobs.workspace import Workspace
from pawl.learners.m002 import M002
from pawl.market.bars import Timeframe
from pawl.market.calendars import ALWAYS
from pawl.market.limits import QualityLimits
from pawl.market.simulated import MarketSpec, simulate

DAILY = Timeframe.parse("1d")
START = datetime(2018, 1, 1, tzinfo=UTC)
BEFORE = timedelta(days=731)
NOW = datetime(2026, 1, 1, tzinfo=UTC)

CASES = {
    "25 tickers × 2 years": (25, 2),
    "2 tickers × 1 year": (2, 1),
    "8 tickers × 1 year": (8, 1),
    "2 tickers × 4 years": (2, 4),
    "8 tickers × 4 years": (8, 4),
}
BASE = "2 tickers × 1 year"


class Clocked:
    """Adds up the wall time spent inside methods of a class, nested calls counted once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.depth = 0

    def watch(self, owner: type, name: str) -> None:
        """Time every call of a method from here on."""
        real: Callable[..., Any] = getattr(owner, name)

        def timed(*args: object, **options: object) -> object:
            began = time.perf_counter()
            self.depth += 1
            try:
                return real(*args, **options)
            finally:
                self.depth -= 1
                if self.depth == 0:
                    self.seconds += time.perf_counter() - began

        setattr(owner, name, timed)


class Memory:
    """The memory of this process and its children together, MiB, sampled by a thread of its own."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(0.25):
            self.peak = max(self.peak, sum(map(_pss_mib, _family(os.getpid()))))


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [pid, *(one for child in children for one in _family(int(child)))]


def _pss_mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0) / 1024


def measure(n_tickers: int, n_years: int) -> dict[str, float]:
    """Run one case in this process."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.at(Path(folder))
        start = START + BEFORE
        n_bars = BEFORE.days + 365 * n_years
        spec = MarketSpec(tickers=tuple(f"T{i:02d}" for i in range(n_tickers)), start=START, n_bars=n_bars)
        bars = simulate(spec, np.random.default_rng(7)).bars
        workspace.silver.merge(bars, DAILY, ALWAYS, source="bench", now=NOW)
        learner = M002()
        with workers(2):
            prove_bars(workspace, learner.spec, workspace.silver.scan(DAILY).collect(), lambda stage, fraction: None)
        order = ReplayOrder(
            start=start,
            end=start + timedelta(days=365 * n_years),
            now=NOW,
            seed=7,
            costs=Costs(),
            gate=GateSettings(),
            limits=QualityLimits(),
            retrain_every=timedelta(days=91),
            window=timedelta(days=730),
            n_jobs=2,
        )
        learning = Clocked()
        for name in ("fit", "predict"):
            learning.watch(M002, name)
        held: list[float] = []
        watch = Watch(on_stage=lambda stage, fraction: None, on_step=lambda step: held.append(_pss_mib(os.getpid())))
        began = time.perf_counter()
        with Memory() as memory:
            sealed = run_replay(workspace, learner, order, {}, watch)
        seconds = time.perf_counter() - began
    return {
        "tickers": n_tickers,
        "years": n_years,
        "trainings": len(sealed.result.candidates),
        "decisions": sealed.result.n_decisions,
        "seconds": seconds,
        "learning_seconds": learning.seconds,
        "driver_share": 1 - learning.seconds / seconds,
        "peak_mib": memory.peak,
        "grown_mib": held[-1] - held[1],
        "load": os.getloadavg()[0],
    }


def main() -> None:
    """Run the cases, print the table, and write JSON where asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="the two small cases only")
    parser.add_argument("--case", nargs=2, type=int, metavar=("TICKERS", "YEARS"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(*options.case)))
        return
    chosen = {name: case for name, case in CASES.items() if not options.quick or case[0] * case[1] <= 8}
    found = {}
    for name, (n_tickers, n_years) in chosen.items():
        command = [sys.executable, __file__, "--case", str(n_tickers), str(n_years)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found[name] = json.loads(done.stdout.splitlines()[-1])
    per_unit = found[BASE]["seconds"] / (found[BASE]["tickers"] * found[BASE]["years"])
    table = Table(title="replay of m002: two-year window, retraining every 91 days, two workers")
    for column in (
        "case",
        "trainings",
        "decisions",
        "s",
        "driver",
        "s a ticker-year",
        "of the base",
        "MiB",
        "grown",
        "load",
    ):
        table.add_column(column, justify="left" if column == "case" else "right")
    for name, one in found.items():
        unit = one["seconds"] / (one["tickers"] * one["years"])
        table.add_row(
            name,
            str(one["trainings"]),
            f"{one['decisions']:,}",
            f"{one['seconds']:.1f}",
            f"{one['driver_share']:.1%}",
            f"{unit:.2f}",
            f"{unit / per_unit:.2f}",
            f"{one['peak_mib']:.0f}",
            f"{one['grown_mib']:.0f}",
            f"{one['load']:.1f}",
        )
    Console(width=140).print(table)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
