"""A market of three months, versions whose skill is known because they were told the future, and their selection."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ledger_world import verdict
from pawl.evaluation.costs import Costs
from pawl.features.feature import FeatureSet
from pawl.features.price import ret_20
from pawl.gates.policy_gate import GateSettings
from pawl.ids import DatasetHash, ModelVersion
from pawl.jobs.live.monthly_selection import MonthlyWorld
from pawl.jobs.live.monthly_settings import MonthlySettings
from pawl.jobs.verdicts import Terms
from pawl.jobs.workspace import Workspace
from pawl.labels.rebound import rebound_labels
from pawl.learners.certificate import Certificate
from pawl.learners.learner import DECISION_COLUMNS, Fit, FitContext, LearnerSpec
from pawl.ledger.database import Ledger
from pawl.ledger.datasets import NewDataset, record_dataset
from pawl.ledger.deployments import Move, promote
from pawl.ledger.evaluations import NewEvaluation, record_evaluation
from pawl.ledger.model_versions import NewVersion, champion, record_version
from pawl.ledger.train_jobs import NewJob, TrainingFigures, enqueue_job, start_job, succeed_job
from pawl.ledger.version_number import VersionNumber
from pawl.market.bars import Timeframe
from pawl.market.calendars import ALWAYS
from pawl.market.simulated import MarketSpec, simulate

HOUR = Timeframe.parse("1h")
START = datetime(2025, 10, 25, tzinfo=UTC)
AT = datetime(2026, 2, 1, tzinfo=UTC)
TICKERS = ("EURUSD", "USDJPY")
EVERY = 6
"""Bars from one signal of a version to its next."""


@dataclass(frozen=True)
class Told:
    """Ticker and open time of a bar → the side to take at its close."""

    sides: Mapping[str, int]


class Oracle:
    """A learner whose models were written by hand."""

    spec = LearnerSpec(
        name="oracle", timeframe=HOUR, feature_set=FeatureSet(name="oracle", features=(ret_20,)),
        foresees="a gain after 5 bars", horizon_bars=5, embargo_bars=5, min_bars=50,
        cadence=timedelta(days=7), primary_metric="net_return",
    )  # fmt: skip

    def label(self, bars: pl.DataFrame) -> pl.DataFrame:
        """A gain after five bars."""
        labels = rebound_labels(bars.sort("ticker", "ts"), self.spec.horizon_bars)
        return labels.select("ticker", "ts", "t0", "t1", target=pl.col("fut_ret_pct") > 0)

    def fit(self, bars: pl.DataFrame, context: FitContext) -> Fit[Told]:
        """Nothing is fitted here."""
        raise NotImplementedError

    def predict(self, model: Told, bars: pl.DataFrame, since: datetime | None = None) -> pl.DataFrame:
        """What the model was told."""
        asked = bars if since is None else bars.filter(pl.col("ts") >= since)
        keys = asked.select(pl.concat_str("ticker", pl.col("ts").dt.epoch("s").cast(pl.String), separator="|"))
        side = keys.to_series().replace_strict(dict(model.sides), default=0, return_dtype=pl.Int64)
        return asked.select("ticker", "ts", "available_at", side=side)

    def decide(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Its side."""
        return predictions.with_columns(
            action=pl.col("side").replace_strict({1: "long", 0: "flat", -1: "short"}, return_dtype=pl.String),
            position_size=pl.col("side").cast(pl.Float64),
            probability=pl.lit(0.5),
            reason=pl.lit(None, pl.String),
        ).select(DECISION_COLUMNS)

    def baselines(self) -> Mapping[str, "Oracle"]:
        """None."""
        return {}

    def importance(self, model: Told) -> Mapping[str, float]:
        """None."""
        return {}

    def save(self, model: Told) -> Mapping[str, bytes]:
        """One file."""
        return {"sides.json": json.dumps(model.sides, sort_keys=True).encode(), "shared.json": b'{"scaler": 1}'}

    def load(self, files: Mapping[str, bytes]) -> Told:
        """From its file."""
        return Told(json.loads(files["sides.json"]))


@dataclass(frozen=True)
class Months:
    """A workspace with a market, in which versions can be made and a month selected."""

    workspace: Workspace
    bars: pl.DataFrame

    @property
    def ledger(self) -> Ledger:
        """Its ledger."""
        return self.workspace.versions.ledger

    def sides(self, skill: float, seed: int = 1) -> Told:
        """A version that is right about the bar after every sixth one, with this chance."""
        rng = np.random.default_rng(seed)
        known = self.bars.sort("ticker", "ts").with_columns(
            rises=(pl.col("close").shift(-1) > pl.col("open").shift(-1)).over("ticker"),
            place=pl.int_range(pl.len()).over("ticker"),
        )
        chosen = known.filter((pl.col("place") % EVERY == 0) & pl.col("rises").is_not_null())
        is_right = rng.random(chosen.height) < skill
        side = np.where(chosen["rises"].to_numpy() == is_right, 1, -1)
        keys = chosen.select(pl.concat_str("ticker", pl.col("ts").dt.epoch("s").cast(pl.String), separator="|"))
        return Told(dict(zip(keys.to_series(), side.tolist(), strict=True)))

    def lucky(self) -> Told:
        """A version with one signal in the month, the best there was."""
        told = self.sides(1.0)
        month = self.bars.filter(pl.col("ts").is_between(AT - timedelta(days=13), AT - timedelta(days=1))).with_columns(
            move=(pl.col("close") / pl.col("open") - 1).shift(-1).over("ticker").abs(),
            key=pl.concat_str("ticker", pl.col("ts").dt.epoch("s").cast(pl.String), separator="|"),
        )
        best = month.filter(pl.col("key").is_in(list(told.sides))).sort("move", descending=True, nulls_last=True)
        return Told({best["key"][0]: told.sides[best["key"][0]]})

    def add(
        self, version: str, told: Told, read_until: datetime, parent: str | None = None, at: datetime | None = None
    ) -> str:
        """Record a version that may be scored from an instant on."""
        learner, name = Oracle(), VersionNumber.parse(version).version
        files = {f"oracle/{path}": content for path, content in learner.save(told).items()}
        certificate = Certificate(
            dataset_hash=DatasetHash("d" * 64), max_ts=read_until - timedelta(hours=6),
            max_t1=read_until - timedelta(hours=5), scored_from=read_until, first_allowed=read_until, seed=7,
            code="test", libraries={},
        )  # fmt: skip
        when = at or read_until
        kind = "full" if parent is None else "incremental"
        with self.ledger.transaction() as tx:
            dataset = NewDataset(
                learner="oracle", content_hash=DatasetHash("d" * 64), window_start=START, window_end=read_until,
                sample_count=10, filters={}, quality_report={},
            )  # fmt: skip
            dataset_id = record_dataset(tx, dataset, when)
            job = NewJob(version=name, dataset_version_ids=[dataset_id], hyperparams={}, training_type=kind)
            job_id = enqueue_job(tx, job, when)
            start_job(tx, job_id, when)
            succeed_job(tx, job_id, TrainingFigures(artifacts={}), when)
            new = NewVersion(
                version=name, trained_at=when, max_t1=certificate.max_t1, dataset_hash=certificate.dataset_hash,
                artifact=self.workspace.artifacts.save(files), tickers=TICKERS, certificate=certificate.to_json(),
                metrics={}, baselines={}, train_job_id=job_id, model_type=kind,
                parent=None if parent is None else ModelVersion(parent),
            )  # fmt: skip
            record_version(tx, new, when)
        return name

    def serve(self, version: str, at: datetime) -> None:
        """Let a version serve by a verdict that says what is wanted."""
        with self.ledger.transaction() as tx:
            baseline = champion(tx, "oracle")
            said = verdict(is_first=baseline is None)
            new = NewEvaluation(version=ModelVersion(version), baseline=baseline, verdict=said, figures={})
            report = record_evaluation(tx, new, at)
            promote(tx, ModelVersion(version), report.eval_id, Move(by="test", reason="measured better", at=at))

    def world(self, **changes: Any) -> MonthlyWorld:
        """What a selection works on: no costs, nothing paused, a passing verdict promotes."""
        fields: dict[str, Any] = {
            "workspace": self.workspace, "learner": Oracle(), "tickers": TICKERS,
            "terms": Terms(costs=Costs(fee_bps=0, slippage_bps=0), gate=GateSettings(), seed=7),
            "settings": MonthlySettings(), "is_paused": lambda tx, learner, at: False, **changes,
        }  # fmt: skip
        return MonthlyWorld(**fields)


def day_of(day: str) -> datetime:
    """An instant.

    >>> day_of("2026-01-05").isoformat()
    '2026-01-05T00:00:00+00:00'
    """
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def months(home: Path, ledger: Ledger | None = None) -> Months:
    """A workspace with the market and nothing else."""
    workspace = Workspace.at(home, ledger)
    spec = MarketSpec(tickers=TICKERS, start=START, n_bars=24 * 105, timeframe=HOUR)
    bars = simulate(spec, np.random.default_rng(3)).bars
    workspace.silver.merge(bars, HOUR, ALWAYS, source="test", now=AT + timedelta(days=30))
    return Months(workspace, workspace.silver.scan(HOUR, TICKERS).collect())
