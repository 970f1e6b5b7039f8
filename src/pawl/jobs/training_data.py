"""What a training reads: visible bars that pass their checks, as a dataset version that can be built again."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import polars as pl

from pawl.errors import QualityError, TooLittleDataError
from pawl.evaluation.costs import Costs
from pawl.features.sets import definition_hash
from pawl.ids import DatasetHash
from pawl.jobs.code_version import code_version
from pawl.jobs.workspace import Workspace
from pawl.lake.silver import SilverStore
from pawl.learners.learner import Learner, LearnerSpec
from pawl.ledger.datasets import NewDataset
from pawl.ledger.version_number import VersionNumber
from pawl.market.bars import UTC_TIME, visible_before
from pawl.market.calendars import first_bar_after
from pawl.market.checks import check_bars
from pawl.market.fingerprint import hash_bars
from pawl.market.instants import earliest, latest
from pawl.market.limits import QualityLimits

__all__ = ["TrainingData", "TrainingOrder", "dataset_of", "rebuilt_hash", "training_data"]

AnyLearner = Learner[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOrder:
    """What to train on, and how.

    start: first open time read (None: all). to: only bars that closed, and labels that were known, before this instant.
    tickers: None for every one that passes its checks; a named one that fails them is a QualityError. among: those that
    may be trained on, of which one that fails is left out, where `tickers` names none.
    report_from: nothing asked from this instant on is fitted; None leaves it to the learner.
    number: the one that the version gets, whatever was cut off under it before; None takes the next free one.
    job_id: of the job that was queued for that number; None queues one.
    proved_on: hash of bars that hold these and have passed the proof of the features; None asks for a proof of its own.
    """

    to: datetime
    now: datetime
    seed: int
    costs: Costs
    limits: QualityLimits
    start: datetime | None = None
    tickers: tuple[str, ...] | None = None
    among: tuple[str, ...] | None = None
    report_from: datetime | None = None
    number: VersionNumber | None = None
    job_id: UUID | None = None
    proved_on: DatasetHash | None = None
    n_jobs: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """bars: everything handed to a fit, which counts as read. left_out: ticker → why it was not.

    read_until: when the last of it became known. first_allowed: the first bar after that and the embargo.
    """

    bars: pl.DataFrame
    left_out: Mapping[str, str]
    content_hash: DatasetHash
    read_until: datetime
    first_allowed: datetime


def training_data(workspace: Workspace, learner: AnyLearner, order: TrainingOrder) -> TrainingData:
    """The visible bars of every ticker that may be trained on.

    QualityError, NotFoundError or TooLittleDataError when there is nothing to train on.
    """
    spec = learner.spec
    bars, left_out = _bars_to_read(workspace, learner, order)
    labels = learner.label(bars)
    read_until = latest(pl.concat([labels["t1"].rename("read"), bars["available_at"].rename("read")]))
    calendars = {entry.calendar for entry in workspace.silver.calendars(spec.timeframe).values()}
    allowed = [first_bar_after(read_until, spec.embargo_bars, calendar, spec.timeframe) for calendar in calendars]
    return TrainingData(
        bars=bars,
        left_out=left_out,
        content_hash=_content_hash(spec, bars),
        read_until=read_until,
        first_allowed=max(allowed),
    )


def dataset_of(learner: AnyLearner, order: TrainingOrder, data: TrainingData) -> NewDataset:
    """The dataset version of a training: its filters hold all that it can be built again from."""
    return NewDataset(
        learner=learner.spec.name,
        content_hash=data.content_hash,
        window_start=earliest(data.bars["ts"]),
        window_end=data.read_until,
        sample_count=data.bars.height,
        filters={
            "tickers": data.bars["ticker"].unique().sort().to_list(),
            "timeframe": str(learner.spec.timeframe),
            "feature_set": learner.spec.feature_set.name,
            "opened_from": order.start.isoformat() if order.start else None,
            "closed_before": order.to.isoformat(),
            "code": code_version(),
            "seed": order.seed,
        },
        quality_report={"left_out": dict(data.left_out)},
    )


def rebuilt_hash(silver: SilverStore, spec: LearnerSpec, filters: Mapping[str, Any]) -> DatasetHash:
    """The content hash that these filters give today: the stored one, unless bars or features have changed."""
    start = datetime.fromisoformat(filters["opened_from"]) if filters["opened_from"] else None
    to = datetime.fromisoformat(filters["closed_before"])
    return _content_hash(spec, _visible(silver, spec, tuple(filters["tickers"]), start, to))


def _content_hash(spec: LearnerSpec, bars: pl.DataFrame) -> DatasetHash:
    parts = {
        "bars": hash_bars(bars),
        "features": definition_hash(spec.feature_set),
        "learner": spec.name,
        "horizon_bars": spec.horizon_bars,
    }
    return DatasetHash(hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest())


def _visible(
    silver: SilverStore, spec: LearnerSpec, tickers: tuple[str, ...] | None, start: datetime | None, to: datetime
) -> pl.DataFrame:
    scanned = visible_before(silver.scan(spec.timeframe, tickers), to)
    if start is not None:
        scanned = scanned.filter(pl.col("ts") >= pl.lit(start, UTC_TIME))
    return scanned.collect()


def _bars_to_read(
    workspace: Workspace, learner: AnyLearner, order: TrainingOrder
) -> tuple[pl.DataFrame, dict[str, str]]:
    """The visible bars of every ticker that may be trained on, and why the others may not."""
    timeframe = learner.spec.timeframe
    bars = _visible(workspace.silver, learner.spec, order.tickers or order.among, order.start, order.to)
    if bars.is_empty():
        raise TooLittleDataError(
            f"no {timeframe} bars closed before {order.to:%Y-%m-%d}",
            where=str(workspace.home),
            fix=f"import some: pawl data import FILE --timeframe {timeframe}",
        )
    calendars, quarantined = workspace.silver.calendars(timeframe), workspace.silver.quarantined(timeframe)
    report = check_bars(bars, calendars, timeframe, order.limits, quarantined)
    left_out = {ticker: f"fails its checks: {why}" for ticker, why in report.failing.items()}
    if order.tickers and left_out:
        named = "; ".join(f"{ticker} {why}" for ticker, why in left_out.items())
        raise QualityError(named, where="--tickers", fix="see `pawl data check`, mend the data, or leave them out")
    counts = dict(bars.group_by("ticker", maintain_order=True).len().iter_rows())
    least = learner.spec.min_bars
    short = {ticker: f"has {n} bars, fewer than {least}" for ticker, n in counts.items() if n < least}
    left_out = {**short, **left_out}
    kept = bars.filter(~pl.col("ticker").is_in(list(left_out)))
    if kept.is_empty():
        first = next(iter(left_out.items()))
        raise TooLittleDataError(
            f"none of {len(counts)} tickers can be trained on; {first[0]} {first[1]}",
            where=f"bars closed before {order.to:%Y-%m-%d}",
            fix="import a longer history, choose a later --to, or see `pawl data check`",
        )
    return kept, left_out
