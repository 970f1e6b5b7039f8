"""How long a scrape of `GET /metrics` takes beside a loop over so many pairs, without the HTTP around it.

    python bench/scrape.py [--tickers 50] [--days 90]

Bars are a random walk, feature rows (one an hour, the features of `reversal`) are noise, and of thirty days there are
signals of a version that acts and of one in shadow. The ledger is SQLite. One JSON object on stdout: the hourly look of
the triggers, the first of a process and one an hour later, and the median of ten scrapes.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from ledger_world import trained
from pawl.ids import ModelVersion
from pawl.jobs.live.asking_triggers import ask_triggers
from pawl.jobs.live.composing import ROLES
from pawl.jobs.live.feature_memory import FeatureMemory
from pawl.jobs.live.figures import LoopFigures, loop_figures
from pawl.jobs.live.monitoring import glance
from pawl.jobs.live.monitoring_gauges import gauges
from pawl.jobs.live.surroundings import TrainingCounts
from pawl.jobs.live.watch import LoopWatch
from pawl.jobs.live.watched_world import Watched
from pawl.jobs.workspace import Workspace
from pawl.learners.reversal import Reversal
from pawl.ledger.database import Ledger
from pawl.ledger.live_tables import live_log, market_data
from pawl.ledger.signal_tables import trading_signals
from pawl.market.bars import BAR_SCHEMA
from pawl.market.calendars import FX, open_times
from pawl.serving.live_metrics import metrics_text
from pawl.triggers.trigger_config import TriggerSettings

AT = datetime(2024, 6, 4, 12, tzinfo=UTC)
SERVING, SHADOW = ModelVersion("reversal-3.3"), ModelVersion("reversal-3.4")
HOUR, BAR = timedelta(hours=1), timedelta(minutes=15)
Row = dict[str, Any]


def make_world(home: Path, n_tickers: int, n_days: int) -> Watched:
    """Everything that a look reads."""
    rng = np.random.default_rng(1)
    learner = Reversal()
    tickers = tuple(f"PAIR{place:02d}" for place in range(n_tickers))
    workspace = Workspace.at(home, Ledger.open(home))
    world = Watched(workspace=workspace, learner=learner, tickers=tickers)
    opened = open_times(FX, learner.spec.timeframe, AT - timedelta(days=n_days), AT + HOUR).to_list()
    parts = []
    for ticker in tickers:
        close = 100.0 * np.exp(np.cumsum(rng.standard_normal(len(opened)) * 0.001))
        prices = {"open": close, "high": close * 1.001, "low": close * 0.999, "close": close, "volume": 1.0}
        parts.append(pl.DataFrame({"ticker": ticker, "ts": opened, **prices}).cast(dict(BAR_SCHEMA)))
    workspace.silver.merge(pl.concat(parts), learner.spec.timeframe, FX, source="bench", now=AT + HOUR)
    names = learner.spec.feature_set.names
    ones = dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0)
    for at in (one for one in opened if one.minute == 0):
        values = rng.standard_normal((n_tickers, len(names))).round(6).tolist()
        _write(world, market_data, [
            {"pair": ticker, "timeframe": "15m", "timestamp": at, **ones, "closed_at": at + BAR, "source": "bench",
             "indicators": dict(zip(names, values[k], strict=True)), "ingested_at": at + BAR, "feature_set": "reversal",
             "features_hash": "f"} for k, ticker in enumerate(tickers)
        ])  # fmt: skip
    with world.ledger.transaction() as tx:
        trained(tx, SERVING)
        trained(tx, SHADOW)
    for at in (one for one in opened if one > AT - timedelta(days=30)):
        _write(
            world,
            trading_signals,
            [_signal(ticker, at, version) for ticker in tickers for version in (SERVING, SHADOW)],
        )
        received = [
            {"learner": "reversal", "at": at, "kind": "received", "name": ticker, "key": "", "payload": {"sha256": "s"}}
            for ticker in tickers
        ]
        _write(world, live_log, [_entry(one) for one in received])
    lines = [
        {"learner": "reversal", "at": AT - timedelta(days=n), "kind": "training", "name": "daily update", "key": "",
         "payload": {"skipped": "57 sequences of at least 100"}} for n in range(n_days)
    ]  # fmt: skip
    _write(world, live_log, [_entry(one) for one in lines])
    return world


def _entry(row: Row) -> Row:
    from pawl.ledger.identity import identity

    return {**row, "entry_id": identity("bench", str(row["at"]), row["name"])}


def _signal(ticker: str, at: datetime, version: ModelVersion) -> Row:
    is_hold = at.minute != 0
    is_open = is_hold or at > AT - 4 * HOUR
    return {
        "pair": ticker, "timeframe": "15m", "signal": "hold" if is_hold else "buy", "confidence": 0.6,
        "created_at": at + BAR, "updated_at": at + BAR, "model_version": version, "bar_timestamp": at,
        "features_hash": "f", "learner": "reversal", "trace_id": "t", "is_shadow": version == SHADOW,
        "actual_outcome": None if is_open else "win", "actual_pnl_percent": None if is_open else 0.1,
        "resolved_at": None if is_open else at + 4 * HOUR, "outcome_source": None if is_open else "virtual",
    }  # fmt: skip


def _write(world: Watched, table: sa.Table, rows: Sequence[Row]) -> None:
    with world.ledger.transaction() as tx:
        tx.execute(sa.insert(table), list(rows))


def measure(n_tickers: int, n_days: int) -> Row:
    """Seconds of everything."""
    with tempfile.TemporaryDirectory() as home:
        world = make_world(Path(home), n_tickers, n_days)
        asked, memory = [], FeatureMemory()
        for at in (AT, AT + HOUR):
            began = perf_counter()
            ask_triggers(world, at, TriggerSettings(), memory)
            asked.append(perf_counter() - began)

        def figures() -> LoopFigures:
            with world.ledger.reading() as tx:
                return loop_figures(tx, "reversal", "15m", ROLES["all"], AT + HOUR, counts)

        took, counts = [], TrainingCounts()
        for _ in range(10):
            began = perf_counter()
            text = metrics_text(LoopWatch([]), figures, lambda: AT + HOUR, lambda: gauges(*glance(world, AT + HOUR)))
            took.append(perf_counter() - began)
        world.ledger.close()
    return {
        "tickers": n_tickers,
        "days": n_days,
        "first_look_sec": round(asked[0], 3),
        "next_look_sec": round(asked[1], 3),
        "scrape_sec": round(statistics.median(took), 4),
        "scrape_bytes": len(text),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickers", type=int, default=50)
    parser.add_argument("--days", type=int, default=90)
    chosen = parser.parse_args()
    print(json.dumps(measure(chosen.tickers, chosen.days)))
