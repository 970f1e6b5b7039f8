"""A live loop small enough for a test: a market handed in bar by bar, a version, and a learner of a few lines."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from ledger_world import trained, verdict
from pawl.evaluation.costs import Costs
from pawl.features.feature import FeatureSet
from pawl.features.price import ret_1
from pawl.features.sets import build_dataset
from pawl.ids import ModelVersion
from pawl.jobs.live.live_settings import LiveSettings
from pawl.jobs.live.world import LiveWorld
from pawl.jobs.workspace import Workspace
from pawl.lake.source import Page
from pawl.learners.learner import DECISION_COLUMNS, LearnerSpec
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import Move, promote
from pawl.ledger.evaluations import NewEvaluation, record_evaluation
from pawl.ledger.model_versions import champion
from pawl.ledger.version_tables import model_versions
from pawl.market.bars import BAR_SCHEMA, Timeframe
from pawl.market.calendars import ALWAYS
from pawl.market.limits import QualityLimits

__all__ = ["BAR", "START", "Ledger", "Market", "Turns", "bar", "live_world", "serve_version"]

BAR = timedelta(minutes=15)
START = datetime(2026, 3, 2, tzinfo=UTC)
FREE = Costs(fee_bps=0, slippage_bps=0)


def bar(ticker: str, place: int, close: float = 100.0, **changes: float) -> dict[str, Any]:
    """A bar that opens `place` bars after START. changes: open, high, low, volume."""
    values = {"open": close, "high": close + 0.5, "low": close - 0.5, "close": close, "volume": 1.0, **changes}
    return {"ticker": ticker, "ts": START + place * BAR, **values}


@dataclass
class Market:
    """A source that gives the bars it is told to. fails: raised by the next pages, one each."""

    bars: list[dict[str, Any]] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)
    asked: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    name: str = "market"

    def page(self, ticker: str, timeframe: Timeframe, start: datetime, end: datetime) -> Page:
        """What it has of a ticker."""
        self.asked.append((ticker, start, end))
        if self.fails:
            raise self.fails.pop(0)
        own = [one for one in self.bars if one["ticker"] == ticker and start <= one["ts"] < end]
        return Page(pl.DataFrame(own, schema=BAR_SCHEMA, orient="row"), end)

    def goes_on(self, tickers: Sequence[str], places: range, step: float = 0.1) -> None:
        """More bars, each close a step above the one before."""
        self.bars.extend(bar(ticker, place, 100.0 + step * place) for ticker in tickers for place in places)


class Turns:
    """Buys after a fall, sells after a rise. The model: what `fails` and `holds` say."""

    spec = LearnerSpec(
        name="m002",  # the ledger's tests train versions of this name on paper
        timeframe=Timeframe.parse("15m"),
        feature_set=FeatureSet(name="turns", features=(ret_1,)),
        foresees="a turn",
        horizon_bars=4,
        embargo_bars=4,
        min_bars=2,
        cadence=timedelta(days=7),
        primary_metric="net_return",
    )

    def predict(self, model: Mapping[str, Any], bars: pl.DataFrame, since: datetime | None = None) -> pl.DataFrame:
        """Signal, confidence and an ATR of one."""
        if model.get("fails"):
            raise ValueError("the model is spoiled")
        frame = build_dataset(bars, self.spec.feature_set).collect()
        fall, rise = pl.col("ret_1") < 0, pl.col("ret_1") > 0
        said = pl.when(fall).then(pl.lit("buy")).when(rise).then(pl.lit("sell")).otherwise(pl.lit("hold"))
        said = pl.lit(model["says"]) if "says" in model else said
        told = frame.select("ticker", "ts", "available_at", signal=said, confidence=pl.lit(0.7), atr_14=pl.lit(1.0))
        return told if since is None else told.filter(pl.col("ts") >= since)

    def decide(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """The house's words."""
        words = {"buy": "long", "sell": "short", "hold": "flat"}
        return predictions.with_columns(
            action=pl.col("signal").replace_strict(words),
            position_size=pl.lit(1.0),
            probability=pl.col("confidence"),
            reason=pl.lit(None, pl.String()),
        ).select(DECISION_COLUMNS)

    def baselines(self) -> Mapping[str, Any]:
        """None."""
        return {}

    def load(self, files: Mapping[str, bytes]) -> Mapping[str, Any]:
        """The model from its file."""
        return json.loads(files["model.json"])  # type: ignore[no-any-return]


def live_world(home: Path, ledger: Ledger, source: Any, tickers: tuple[str, ...] = ("EURUSD",)) -> LiveWorld:
    """A loop of `Turns` over a source, without costs."""
    return LiveWorld(
        workspace=Workspace.at(home, ledger),
        learner=Turns(),  # type: ignore[arg-type]
        tickers=tickers,
        source=source,
        costs=FREE,
        limits=QualityLimits(),
        settings=LiveSettings(),
        seed=7,
        calendar=ALWAYS,
    )


def serve_version(world: LiveWorld, version: str, at: datetime, model: Mapping[str, Any] | None = None) -> None:
    """Record a version with its model, and let it serve where nothing does yet."""
    artifact = world.workspace.artifacts.save({"m002/model.json": json.dumps(dict(model or {})).encode()})
    with world.ledger.transaction() as tx:
        trained(tx, version)
        c = model_versions.c
        certificate = {
            "dataset_hash": "d" * 64, "max_ts": START.isoformat(), "max_t1": START.isoformat(),
            "scored_from": START.isoformat(), "first_allowed": START.isoformat(), "seed": 7, "code": "c",
            "libraries": {},
        }  # fmt: skip
        changed = sa.update(model_versions).where(c.version == version)
        tx.execute(changed.values(artifact=artifact, certificate=certificate))
        if champion(tx, "m002") is None:
            new = NewEvaluation(
                version=ModelVersion(version), baseline=None, verdict=verdict(is_first=True), figures={}
            )
            report = record_evaluation(tx, new, at)
            promote(tx, ModelVersion(version), report.eval_id, Move(by="test", reason="first", at=at))
