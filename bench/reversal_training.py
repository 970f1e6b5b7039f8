"""A weekly training of reversal, from the bars to the verdict, against the bare torch loop on the same windows.

    python bench/reversal_training.py [--bars FILE] [--json FILE]

Whole is `train_full` on the three months before the last Sunday of the bars: bars and checks, features and labels, the
network with its validation and checkpoints (on disk), both baselines, scores, report, CSV, files, and the transaction
with the verdict. The proof of the features is on record, as in a replay; `--proof` leaves it to the training, as in a
live loop. The network's own fit, with validation and checkpoints kept in memory, and the
bare loop then take the same windows in turn, for as many epochs; the loop's are gathered before its clock starts.
--bars: 15-minute bars (ticker, ts, OHLCV); without it, a simulated market of two pairs. One thread.
"""

import argparse
import copy
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from pawl.evaluation.costs import Costs
from pawl.features.sets import FEATURE_SETS
from pawl.gates.policy_gate import GateSettings
from pawl.jobs.live.full_training import ON_SCHEDULE, train_full
from pawl.jobs.live.surroundings import surroundings_of
from pawl.jobs.workspace import Workspace
from pawl.lake.proofs import ProofRecords
from pawl.learners import reversal as learner_module
from pawl.learners.reversal import Reversal
from pawl.ledger.database import Ledger
from pawl.market.bars import Timeframe
from pawl.market.calendars import FX
from pawl.market.limits import QualityLimits
from pawl.market.simulated import MarketSpec, simulate
from pawl.models.reversal_checkpoint import Shelf
from pawl.models.reversal_training import Run, TrainedReversal
from reversal_loop import Memory, bare, clocked

QUARTERS = Timeframe.parse("15m")
PAIRS = ("EURUSD", "USDJPY")


@dataclass(frozen=True, kw_only=True)
class World:
    """What `train_full` works on."""

    workspace: Workspace
    learner: Reversal
    tickers: tuple[str, ...] = PAIRS
    costs: Costs = field(default_factory=lambda: Costs(fee_bps=0.2, slippage_bps=0.3))
    limits: QualityLimits = field(default_factory=QualityLimits)
    seed: int = 7
    n_jobs: int = 1

    @property
    def ledger(self) -> Ledger:
        return self.workspace.versions.ledger


def market(path: Path | None) -> pl.DataFrame:
    """Bars of two pairs."""
    if path is not None:
        return pl.read_parquet(path).filter(pl.col("ticker").is_in(PAIRS))
    start = datetime(2025, 1, 6, tzinfo=UTC)
    spec = MarketSpec(tickers=PAIRS, start=start, n_bars=16 * 480, timeframe=QUARTERS, calendar=FX)
    return simulate(spec, np.random.default_rng(5)).bars


class Watched:
    """Times the fit of the network inside the training, and remembers what it was of."""

    def __init__(self) -> None:
        self.seconds, self.cpu, self.arguments, self.n_epochs = 0.0, 0.0, (), 0
        self._inner = learner_module.train_reversal

    def __call__(self, *arguments: Any) -> TrainedReversal:  # noqa: ANN401 - those of `train_reversal`
        wall, cpu = time.perf_counter(), time.process_time()
        done = self._inner(*arguments)
        self.seconds, self.cpu = time.perf_counter() - wall, time.process_time() - cpu
        self.arguments, self.n_epochs = arguments, len(done.history)
        return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bars", type=Path)
    parser.add_argument("--proof", action="store_true")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    bars = market(chosen.bars)
    newest: datetime = bars["ts"].max()
    sunday = newest.replace(hour=1, minute=0, second=0, microsecond=0)
    sunday -= timedelta(days=(sunday.weekday() + 1) % 7)
    with TemporaryDirectory() as home:
        workspace = Workspace.at(Path(home))
        workspace.silver.merge(bars, QUARTERS, FX, source="bench", now=sunday)
        if not chosen.proof:
            ProofRecords(Path(home)).put(FEATURE_SETS["reversal"], workspace.silver.content_hash(QUARTERS))
        world = World(workspace=workspace, learner=Reversal())
        world.ledger.make_current()
        around = surroundings_of(
            "reversal", GateSettings(), is_paused=lambda *_: False, begin_rollout=lambda version, at: None
        )
        watched = Watched()
        learner_module.train_reversal = watched
        _, sec_whole = clocked(lambda: train_full(world, around, sunday, ON_SCHEDULE))
        learner_module.train_reversal = watched._inner
    start, sequences, targets, schedule, run = watched.arguments

    def ours() -> None:
        shelf = Shelf(cache=Memory(), key="bench", every=run.shelf.every)
        watched._inner(start, sequences, targets, schedule, Run(seed=run.seed, shelf=shelf))

    again = [
        (clocked(ours), clocked(bare(copy.deepcopy(start), sequences, targets, schedule, watched.n_epochs)))
        for _ in range(chosen.repeats)
    ]
    bare_sec = median(loop[1] for _, loop in again)
    found = {
        "windows": len(targets.train_ends),
        "epochs": watched.n_epochs,
        "sec_whole": round(sec_whole, 2),
        "sec_network": round(watched.seconds, 2),
        "sec_network_again": round(median(mine[1] for mine, _ in again), 2),
        "sec_bare": round(bare_sec, 2),
        "network_over_bare": round(median(mine[1] / loop[1] for mine, loop in again), 3),
        "network_over_bare_cpu": round(median(mine[0] / loop[0] for mine, loop in again), 3),
        "whole_over_bare": round(sec_whole / bare_sec, 3),
        "sec_outside_network": round(sec_whole - watched.seconds, 2),
    }
    text = json.dumps(found, indent=2)
    if chosen.json:
        chosen.json.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
