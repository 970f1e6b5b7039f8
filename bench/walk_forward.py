"""Walk-forward of LightGBM against a plain loop of `lgb.train` on ready arrays.

Two years of simulated hourly bars, a window of 90 days, a refit every week, one thread a model.

    python bench/walk_forward.py [--repeats 5] [--trees 100] [--json FILE]

One process: wall and CPU time of `fit_walk_forward` over those of the loop; splits are ready for both, the loop's
arrays are cut before the clock starts. The two take turns, eight windows each, so that a neighbour on the machine slows
both alike; each turn of ours starts its own `Parallel`, which a real run does once.

Two processes: wall time of the loop over that of `fit_walk_forward` with two workers, once with cold workers (their
start and imports count) and once with warm ones. The load average is printed because a neighbour on the second core
eats the gain.

The models of all runs must be equal to the byte.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import lightgbm as lgb
import numpy as np
import polars as pl
from joblib.externals.loky import get_reusable_executor
from rich.console import Console
from rich.table import Table

from pawl.evaluation.splits import WalkForward, walk_forward
from pawl.models.walk_forward import fit_walk_forward

N_FEATURES = 40
PARAMETERS = {
    "objective": "binary",
    "learning_rate": 0.02,
    "num_leaves": 15,
    "min_child_samples": 100,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
    "verbosity": -1,
}


def fit(x: np.ndarray, y: np.ndarray, trees: int) -> str:
    """One model as text: what a version stores."""
    return lgb.train(PARAMETERS, lgb.Dataset(x, y), trees).model_to_string()


def hourly_market(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, pl.Series]:
    """Features (trailing returns and volatilities of several spans), rise over the next 24 hours, and t0."""
    n_rows = 2 * 365 * 24
    volatility = np.exp(0.02 * np.cumsum(rng.normal(size=n_rows)) % 1)
    log_close = np.cumsum(0.003 * volatility * rng.standard_t(4, n_rows))
    spans = np.unique(np.geomspace(1, 500, N_FEATURES // 2).astype(int))
    series = pl.Series(log_close)
    columns = [(series - series.shift(int(span))).to_numpy() for span in spans]
    columns += [series.diff().rolling_std(int(span) + 2).to_numpy() for span in spans]
    forward = (series.shift(-24) - series).to_numpy()
    start = datetime(2023, 1, 1, tzinfo=UTC)
    return (
        np.column_stack(columns),
        (forward > 0).astype(np.float64),
        pl.datetime_range(start, start + timedelta(hours=n_rows - 1), "1h", eager=True),
    )


class Run(NamedTuple):
    """Wall seconds, CPU seconds of this process, and what came out."""

    wall: float
    cpu: float
    models: list[str]


def clocked(run: Callable[[], list[str]]) -> Run:
    """How long it takes, and what comes out."""
    wall, cpu = time.perf_counter(), time.process_time()
    models = run()
    return Run(time.perf_counter() - wall, time.process_time() - cpu, models)


def in_turns(first: Callable[[slice], list[str]], second: Callable[[slice], list[str]], n_windows: int) -> list[Run]:
    """Both over all windows, eight at a time, now the one ahead and now the other."""
    turns: list[list[Run]] = [[], []]
    for number, start in enumerate(range(0, n_windows, 8)):
        part = slice(start, start + 8)
        for which in (0, 1) if number % 2 else (1, 0):
            turns[which].append(clocked(lambda run=(first, second)[which], part=part: run(part)))
    return [Run(sum(r.wall for r in of), sum(r.cpu for r in of), [m for r in of for m in r.models]) for of in turns]


def main() -> None:
    """Measure, print the table, and write JSON where asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()

    x, y, t0 = hourly_market(np.random.default_rng(1))
    plan = WalkForward(window=timedelta(days=90), step=timedelta(days=7))
    splits = list(walk_forward(t0, t0 + timedelta(hours=24), plan))
    ready = [(x[split.train], y[split.train]) for split in splits]
    fit_trees = partial(fit, trees=options.trees)
    runs: dict[str, list[Run]] = {name: [] for name in ("loop", "one", "cold", "warm")}
    load_before = os.getloadavg()
    for _ in range(options.repeats):
        loop, one = in_turns(
            lambda part: [fit_trees(*arrays) for arrays in ready[part]],
            lambda part: fit_walk_forward(x, y, splits[part], fit_trees, n_jobs=1),
            len(splits),
        )
        get_reusable_executor().shutdown(wait=True)
        cold = clocked(lambda: fit_walk_forward(x, y, splits, fit_trees, n_jobs=2))
        warm = clocked(lambda: fit_walk_forward(x, y, splits, fit_trees, n_jobs=2))
        for name, run in {"loop": loop, "one": one, "cold": cold, "warm": warm}.items():
            assert run.models == loop.models, f"{name}: the models differ from those of the loop"
            runs[name].append(run)
    get_reusable_executor().shutdown(wait=True)

    def ratio(over: str, under: str, clock: int) -> float:
        return median(a[clock] / b[clock] for a, b in zip(runs[over], runs[under], strict=True))

    result = {
        "windows": len(splits),
        "trees": options.trees,
        "loop_seconds": median(run.wall for run in runs["loop"]),
        "one_process_wall_ratio": ratio("one", "loop", 0),
        "one_process_cpu_ratio": ratio("one", "loop", 1),
        "two_processes_speedup_cold": ratio("loop", "cold", 0),
        "two_processes_speedup_warm": ratio("loop", "warm", 0),
        "load_before": load_before,
        "load_after": os.getloadavg(),
    }
    table = Table(
        title=f"walk-forward of LightGBM: {len(splits)} windows, {options.trees} trees, models equal to the byte"
    )
    for column in ("measure", "value", "must"):
        table.add_column(column, justify="left" if column == "measure" else "right")
    table.add_row("plain loop of lgb.train", f"{result['loop_seconds']:.2f} s", "")
    table.add_row("one process, wall / loop", f"{result['one_process_wall_ratio']:.3f}", "≤ 1.05")
    table.add_row("one process, CPU / loop", f"{result['one_process_cpu_ratio']:.3f}", "≤ 1.05")
    table.add_row("two processes, loop / wall, cold", f"{result['two_processes_speedup_cold']:.2f}", "≥ 1.5")
    table.add_row("two processes, loop / wall, warm", f"{result['two_processes_speedup_warm']:.2f}", "≥ 1.5")
    table.add_row("load average before, after", f"{load_before[0]:.2f}, {os.getloadavg()[0]:.2f}", "")
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
