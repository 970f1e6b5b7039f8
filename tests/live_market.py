"""A live world without a source: bars in a silver store, feature rows and signals in a ledger, all made to measure."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import sqlalchemy as sa

from ledger_world import move, trained
from ledger_world import verdict as verdict_of
from pawl.evaluation.costs import Costs
from pawl.features.feature import FeatureSet
from pawl.features.price import ret_1, ret_20
from pawl.ids import ModelVersion
from pawl.jobs.live.live_settings import LiveSettings
from pawl.jobs.live.world import LiveWorld
from pawl.jobs.workspace import Workspace
from pawl.lake.simulated_source import SimulatedSource
from pawl.learners.learner import LearnerSpec
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import promote
from pawl.ledger.evaluations import NewEvaluation, record_evaluation
from pawl.ledger.live_tables import market_data
from pawl.ledger.model_versions import champion
from pawl.ledger.signals import NewSignal, SignalOutcome, record_signals, resolve_signal
from pawl.market.bars import BAR_SCHEMA, Timeframe
from pawl.market.calendars import ALWAYS, Calendar, open_times
from pawl.market.limits import QualityLimits
from tiny_learner import Tiny

__all__ = [
    "AT",
    "BAR",
    "CHALLENGER",
    "SERVING",
    "TICKERS",
    "add_bars",
    "add_features",
    "grid",
    "live_world",
    "say",
    "serve_first",
]

AT = datetime(2024, 6, 3, 12, tzinfo=UTC)  # a Monday
QUARTER = Timeframe.parse("15m")
BAR = QUARTER.length
TICKERS = ("EURUSD", "USDJPY")
SERVING, CHALLENGER = ModelVersion("tiny-1.0"), ModelVersion("tiny-1.1")


class Quarterly(Tiny):
    """`tiny` on bars of fifteen minutes."""

    spec = LearnerSpec(
        name="tiny",
        timeframe=QUARTER,
        feature_set=FeatureSet(name="tiny", features=(ret_1, ret_20)),
        foresees="a gain after 5 bars",
        horizon_bars=16,
        embargo_bars=5,
        min_bars=120,
        cadence=timedelta(days=7),
        primary_metric="net_return",
    )


def live_world(home: Path, ledger: Ledger, calendar: Calendar = ALWAYS) -> LiveWorld:
    """A world without bars."""
    return LiveWorld(
        workspace=Workspace.at(home, ledger),
        learner=Quarterly(),
        tickers=TICKERS,
        source=SimulatedSource(7, calendar),
        costs=Costs(),
        limits=QualityLimits(),
        settings=LiveSettings(),
        seed=7,
        calendar=calendar,
    )


def grid(start: datetime, end: datetime, calendar: Calendar = ALWAYS) -> list[datetime]:
    """Open times of the bars in [start, end)."""
    found: list[datetime] = open_times(calendar, QUARTER, start, end).to_list()
    return found


def add_bars(
    world: LiveWorld, opened: Sequence[datetime], scale: float = 0.001, tickers: Sequence[str] = TICKERS, seed: int = 3
) -> None:
    """Bars of a random walk whose moves have this deviation."""
    rng = np.random.default_rng(seed)
    parts = []
    for ticker in tickers:
        close = 100.0 * np.exp(np.cumsum(rng.standard_normal(len(opened)) * scale))
        before = np.concatenate([[100.0], close[:-1]])
        top, low = np.maximum(close, before) * 1.0001, np.minimum(close, before) * 0.9999
        columns = {"ticker": [ticker] * len(opened), "ts": list(opened), "open": before, "high": top, "low": low}
        parts.append(pl.DataFrame({**columns, "close": close, "volume": 1.0}).cast(dict(BAR_SCHEMA)))
    now = max(opened) + BAR
    world.workspace.silver.merge(pl.concat(parts), QUARTER, world.calendar, source="test", now=now)


def add_features(world: LiveWorld, opened: Sequence[datetime], values: np.ndarray) -> None:
    """Feature rows. values: (n, n_tickers, 2)."""
    rows: list[dict[str, Any]] = []
    for n, at in enumerate(opened):
        for k, ticker in enumerate(TICKERS):
            features = dict(zip(("ret_1", "ret_20"), values[n, k].tolist(), strict=True))
            prices = dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0)
            rows.append({"pair": ticker, "timeframe": "15m", "timestamp": at, **prices, "indicators": features,
                         "closed_at": at + BAR, "source": "test", "ingested_at": at + BAR, "feature_set": "tiny",
                         "features_hash": "f"})  # fmt: skip
    with world.ledger.transaction() as tx:
        for first in range(0, len(rows), 1000):
            tx.execute(sa.insert(market_data), rows[first : first + 1000])


def serve_first(tx: sa.Connection) -> None:
    """`tiny-1.0` serves, `tiny-1.1` was trained."""
    trained(tx, SERVING)
    trained(tx, CHALLENGER)
    found = verdict_of(is_first=True)
    new = NewEvaluation(version=SERVING, baseline=champion(tx, "tiny"), verdict=found, figures={"gain_bps": 1.0})
    promote(tx, SERVING, record_evaluation(tx, new, move(0).at).eval_id, move(1))


def say(
    tx: sa.Connection,
    bar: datetime,
    signal: str,
    pnl: float | None = None,
    version: ModelVersion = SERVING,
    **changes: Any,
) -> None:
    """A signal at the close of a bar, resolved four hours later where it has a result (net, fraction)."""
    fields: dict[str, Any] = {
        "pair": "EURUSD", "timeframe": "15m", "bar_timestamp": bar, "model_version": version, "learner": "tiny",
        "signal": signal, "confidence": 0.6, "features_hash": "f", "trace_id": "t", **changes,
    }  # fmt: skip
    new = NewSignal(**fields)
    record_signals(tx, [new], bar + BAR)
    if pnl is not None:
        outcome = SignalOutcome(outcome="win" if pnl > 0 else "loss", pnl=pnl, source="virtual")
        resolve_signal(tx, new.id, outcome, bar + 17 * BAR)
