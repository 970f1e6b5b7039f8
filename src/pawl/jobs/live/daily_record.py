"""What is written down of a daily update: its data, its record, its files and the columns of its job."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl
import sqlalchemy as sa

from pawl.features.sets import definition_hash
from pawl.ids import DatasetHash, ModelVersion
from pawl.jobs.code_version import code_version, library_versions
from pawl.jobs.golden import golden_files
from pawl.jobs.live.lineage import READ_FILE, read_to_bytes
from pawl.jobs.live.training_world import TrainingWorld
from pawl.jobs.live.version_files import NamedVersion, name_files
from pawl.learners.certificate import Certificate
from pawl.learners.reversal import Reversal
from pawl.learners.reversal_daily import DailyComparison, DailyOrder, DailyUpdate
from pawl.learners.reversal_files import VersionFacts
from pawl.ledger.column_types import canonical_json
from pawl.ledger.datasets import NewDataset
from pawl.market.calendars import first_bar_after
from pawl.market.fingerprint import hash_bars
from pawl.market.instants import earliest, latest
from pawl.registry.versions import Beside, VersionRecord

__all__ = ["Candidate", "comparison_figures", "daily_beside", "daily_dataset", "daily_record"]

_JUDGED = ("f1_score", "non_hold_recall", "hold_share", "n_signals", "pnl_bps", "total_trades", "win_rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A trained and compared update. seconds: how long that took, None where nobody asks."""

    version: ModelVersion
    parent: VersionRecord
    update: DailyUpdate
    compared: DailyComparison
    order: DailyOrder
    seconds: float | None = None


def comparison_figures(compared: DailyComparison) -> dict[str, float | None]:
    """Figures of both models on the same rows, by name; None where nothing could be measured."""
    sides = {"": compared.candidate.to_json(), "current_": compared.current.to_json()}
    figures = {f"{side}{name}": report[name] for side, report in sides.items() for name in _JUDGED}
    return {**figures, "n_rows": float(compared.n_rows)}


def daily_dataset(learner: Reversal, bars: pl.DataFrame, read: pl.DataFrame, order: DailyOrder) -> NewDataset:
    """The dataset version of an update: the rows that it reads, and the bars they are built from."""
    spec = learner.spec
    keys = read.select("ticker", pl.col("ts").dt.epoch("us")).rows()
    parts = {
        "bars": hash_bars(bars),
        "features": definition_hash(spec.feature_set),
        "rows": [list(row) for row in keys],
    }
    return NewDataset(
        learner=spec.name,
        content_hash=DatasetHash(hashlib.sha256(canonical_json(parts).encode()).hexdigest()),
        window_start=earliest(read["window_start"]),
        window_end=latest(read["t1"]),
        sample_count=read.height,
        filters={
            "tickers": bars["ticker"].unique().sort().to_list(),
            "timeframe": str(spec.timeframe),
            "feature_set": spec.feature_set.name,
            "opened_from": earliest(bars["ts"]).isoformat(),
            "closed_before": order.now.isoformat(),
            "code": code_version(),
            "seed": order.seed,
        },
        quality_report={},
    )


def daily_record(
    world: TrainingWorld, learner: Reversal, candidate: Candidate, bars: pl.DataFrame
) -> tuple[VersionRecord, NamedVersion]:
    """The version with its files: model, scaler and features (the parent's), what it has read, and golden answers."""
    model_files = learner.save(candidate.update.model)
    metrics = {**candidate.update.figures, **comparison_figures(candidate.compared)}
    facts = VersionFacts(
        version=candidate.version,
        parent_version=candidate.parent.version,
        training_type="incremental",
        trained_at=candidate.order.now,
        metrics=metrics,
    )
    named = name_files(world.workspace.artifacts, world.workspace.home, model_files, facts)
    files = {
        **{f"{learner.spec.name}/{path}": content for path, content in model_files.items()},
        **named.files,
        **_baselines(world, learner, candidate.parent),
        READ_FILE: read_to_bytes(candidate.update.read),
        **golden_files(learner, candidate.update.model, bars),
    }
    record = VersionRecord(
        version=candidate.version,
        learner=learner.spec.name,
        artifact=world.workspace.artifacts.save(files),
        trained_at=candidate.order.now.isoformat(),
        tickers=tuple(bars["ticker"].unique().sort()),
        certificate=_certificate(world, learner, candidate, bars),
        metrics={name: _finite(value) for name, value in metrics.items()},
        baselines={},
    )
    return record, named


def daily_beside(candidate: Candidate, named: NamedVersion, settle: Callable[[sa.Connection], None]) -> Beside:
    """The columns of the job, where its files lie, its parent, and its verdict."""
    figures, read = candidate.update.figures, candidate.update.read
    judged = candidate.compared.candidate
    return Beside(
        columns={
            **{name: int(figures[name]) for name in ("train_samples", "val_samples")},
            **{name: _finite(figures[name]) for name in ("train_loss", "val_loss", "val_accuracy")},
            "num_samples": read.height,
            "data_start_date": earliest(read["window_start"]),
            "data_end_date": latest(read["t1"]),
            "precision": _finite(judged.signals.precision),
            "recall": _finite(judged.signals.recall),
            "f1_score": _finite(judged.signals.f1_score),
            "training_duration_seconds": None if candidate.seconds is None else round(candidate.seconds),
            **named.columns,
        },
        report=comparison_figures(candidate.compared),
        artifacts={"files": sorted(named.files), "report": judged.to_json()},
        paths=named.paths,
        parent=candidate.parent.version,
        settle=settle,
    )


def _baselines(world: TrainingWorld, learner: Reversal, parent: VersionRecord) -> dict[str, bytes]:
    """The parent's baselines go on as they are: a backtest of the update stands beside them."""
    below = tuple(f"{name}/" for name in learner.baselines())
    files = world.workspace.artifacts.load(parent.artifact)
    return {name: content for name, content in files.items() if name.startswith(below)}


def _certificate(world: TrainingWorld, learner: Reversal, candidate: Candidate, bars: pl.DataFrame) -> Certificate:
    """All bars handed in count as read, and whatever the parent had read."""
    timeframe, parent = learner.spec.timeframe, candidate.parent.certificate
    read_until = max(latest(bars["available_at"]), latest(candidate.update.read["t1"]), parent.max_t1)
    calendars = {entry.calendar for entry in world.workspace.silver.calendars(timeframe).values()}
    embargo = learner.spec.embargo_bars
    return Certificate(
        dataset_hash=daily_dataset(learner, bars, candidate.update.read, candidate.order).content_hash,
        max_ts=max(latest(bars["ts"]), parent.max_ts),
        max_t1=read_until,
        scored_from=read_until,
        first_allowed=max(first_bar_after(read_until, embargo, each, timeframe) for each in calendars),
        seed=candidate.order.seed,
        code=code_version(),
        libraries=library_versions(),
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
