"""How long a bar takes: storing what came, its features, and the signals on it, for so many tickers, without the fetch.

    python bench/live_cycle.py [--tickers 50] [--cycles 8] [--bars 6200]

--bars: stored of each ticker; 6,200 are three months of currencies, 23,500 nearly a year, which is one file; no whole
weeks, for the first bars of a week get no signal. The bars are simulated and handed over from memory; the model is
reversal's network of the shipped size with weights as they were drawn, which takes as long as a trained one. The ledger
is SQLite. One JSON object on stdout.
"""

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from ledger_world import new_version
from pawl.evaluation.costs import Costs
from pawl.ids import ModelVersion
from pawl.jobs.live.collecting import collect
from pawl.jobs.live.deciders import ActiveDecides
from pawl.jobs.live.live_settings import LiveSettings
from pawl.jobs.live.signalling import SignalCycle
from pawl.jobs.live.watching_positions import watch_positions
from pawl.jobs.live.world import LiveWorld
from pawl.jobs.workspace import Workspace
from pawl.lake.source import Page
from pawl.learners.reversal import Reversal
from pawl.learners.reversal_samples import FEATURES
from pawl.ledger.database import Ledger
from pawl.ledger.model_versions import record_version
from pawl.market.bars import UTC_TIME, Timeframe
from pawl.market.calendars import FX
from pawl.market.limits import QualityLimits
from pawl.market.simulated import MarketSpec, simulate
from pawl.models.reversal_model import ReversalNet
from pawl.models.reversal_training import fresh_reversal
from pawl.models.scaler import Standardiser

BAR = timedelta(minutes=15)
START = datetime(2018, 1, 1, tzinfo=UTC)


class InMemory:
    """A source that has everything already, so that nothing of the fetch is measured."""

    name = "memory"

    def __init__(self, bars: pl.DataFrame) -> None:
        self._bars = {str(ticker): rows for (ticker,), rows in bars.group_by("ticker", maintain_order=True)}

    def page(self, ticker: str, timeframe: Timeframe, start: datetime, end: datetime) -> Page:
        """A slice."""
        span = pl.col("ts").is_between(pl.lit(start, UTC_TIME), pl.lit(end, UTC_TIME), closed="left")
        return Page(self._bars[ticker].filter(span), end)


def make_world(home: Path, n_tickers: int, n_bars: int, n_cycles: int) -> tuple[LiveWorld, list[datetime]]:
    """A loop over so many pairs with so many bars stored of each, and the closes of the next ones."""
    tickers = tuple(f"PAIR{place:02d}" for place in range(n_tickers))
    timeframe = Timeframe.parse("15m")
    spec = MarketSpec(tickers=tickers, start=START, n_bars=n_bars + n_cycles, timeframe=timeframe, calendar=FX)
    bars = simulate(spec, np.random.default_rng(1)).bars
    opens = bars["ts"].unique().sort()
    first = opens[n_bars]
    ledger = Ledger.open(home)
    workspace = Workspace.at(home, ledger)
    workspace.silver.merge(bars.filter(pl.col("ts") < first), timeframe, FX, source="memory", now=first)
    world = LiveWorld(
        workspace=workspace,
        learner=Reversal(),
        tickers=tickers,
        source=InMemory(bars),
        costs=Costs(),
        limits=QualityLimits(),
        settings=LiveSettings(),
        seed=7,
        calendar=FX,
    )
    return world, [one + BAR for one in opens[n_bars : n_bars + n_cycles].to_list()]


def record_model(world: LiveWorld) -> ModelVersion:
    """A version of reversal's network of the shipped size."""
    learner = Reversal()
    network = fresh_reversal(len(FEATURES), learner.config.network, 7)
    rng = np.random.default_rng(2)
    model = ReversalNet(
        network=network,
        standardiser=Standardiser.fit(rng.standard_normal((500, len(FEATURES)))),
        features=FEATURES,
        class_prior=np.array([0.8, 0.1, 0.1]),
        config=learner.config.network,
    )
    files = {f"reversal/{name}": content for name, content in learner.save(model).items()}
    version = ModelVersion("reversal-3.3")
    when = START.isoformat()
    certificate = {
        "dataset_hash": "d" * 64, "max_ts": when, "max_t1": when, "scored_from": when, "first_allowed": when,
        "seed": 7, "code": "bench", "libraries": {},
    }  # fmt: skip
    new = replace(new_version(version), artifact=world.workspace.artifacts.save(files), certificate=certificate)
    with world.ledger.transaction() as tx:
        record_version(tx, new, START)
    return version


def measure(n_tickers: int, n_bars: int, n_cycles: int) -> dict[str, object]:
    """Seconds of each cycle, the first of which warms up and is left out."""
    with tempfile.TemporaryDirectory() as folder:
        world, closes = make_world(Path(folder), n_tickers, n_bars, n_cycles)
        version = record_model(world)
        cycle = SignalCycle(world, lambda tx, learner: ActiveDecides(version=version))
        seconds: dict[str, list[float]] = {"collection": [], "signals": [], "positions": []}
        n_signals = 0
        for at in closes:
            runs = {
                "collection": (partial(collect, world), at),
                "signals": (cycle.run, at),
                "positions": (partial(watch_positions, world), at + timedelta(minutes=1)),
            }
            for name, (run, when) in runs.items():
                began = perf_counter()
                told = run(when)
                seconds[name].append(perf_counter() - began)
                n_signals += int(told.get("signals", 0))
        world.ledger.close()
    assert n_signals == n_tickers * n_cycles, n_signals
    kept = {name: values[1:] for name, values in seconds.items()}
    both = [sum(pair) for pair in zip(kept["collection"], kept["signals"], strict=True)]
    return {
        "tickers": n_tickers,
        "bars": n_bars,
        "cycles": len(both),
        **{f"{name}_sec": round(statistics.median(values), 4) for name, values in kept.items()},
        "collection_and_signals_sec": {"median": round(statistics.median(both), 4), "max": round(max(both), 4)},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickers", type=int, default=50)
    parser.add_argument("--cycles", type=int, default=8)
    parser.add_argument("--bars", type=int, default=6200)
    given = parser.parse_args()
    print(json.dumps(measure(given.tickers, given.bars, given.cycles)))


if __name__ == "__main__":
    main()
