"""Training: visible bars, checked and proved, become a version with a certificate."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from pawl.errors import QualityError, TooLittleDataError
from pawl.evaluation.costs import Costs
from pawl.features.sets import definition_hash
from pawl.ids import DatasetHash
from pawl.jobs.code_version import code_version, library_versions
from pawl.jobs.evaluation import Rulebook, Scored, Span, score
from pawl.jobs.proving import require_proof
from pawl.jobs.workers import workers
from pawl.jobs.workspace import Workspace
from pawl.learners.certificate import Certificate
from pawl.learners.learner import Fit, FitContext, Learner
from pawl.ledger.datasets import NewDataset
from pawl.market.bars import UTC_TIME, visible_before
from pawl.market.calendars import first_bar_after
from pawl.market.checks import check_bars
from pawl.market.fingerprint import hash_bars
from pawl.market.instants import earliest, latest
from pawl.market.limits import QualityLimits
from pawl.registry.versions import VersionRecord

__all__ = ["TrainedVersion", "TrainingOrder", "train"]

AnyLearner = Learner[Any]
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOrder:
    """What to train on, and how.

    start: first open time read (None: all). to: only bars that closed, and labels that were known, before this instant.
    tickers: None for every one that passes its checks; a named one that fails them is a QualityError.
    report_from: nothing asked from this instant on is fitted; None leaves it to the learner.
    """

    to: datetime
    now: datetime
    seed: int
    costs: Costs
    limits: QualityLimits
    start: datetime | None = None
    tickers: tuple[str, ...] | None = None
    report_from: datetime | None = None
    n_jobs: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedVersion:
    """A version as it stands in the registry. left_out: ticker → why it was not trained on."""

    record: VersionRecord
    scored: Scored
    baselines: Mapping[str, Scored]
    left_out: Mapping[str, str]


def train(workspace: Workspace, learner: AnyLearner, order: TrainingOrder, on_progress: Progress) -> TrainedVersion:
    """Train the learner and its baselines on the same bars, score them on their reported block, record the version.

    FutureLeakError when a feature of the learner is not point-in-time; QualityError, NotFoundError or
    TooLittleDataError when there is nothing to train on. All that is recorded then is that the training failed.
    """
    on_progress("reading and checking bars", 0.0)
    bars, left_out = _bars_to_read(workspace, learner, order)
    certificate = _certificate(workspace, learner, bars, order.seed)
    dataset = _dataset(learner, bars, certificate, left_out)
    name = learner.spec.name
    with (
        workers(order.n_jobs),
        workspace.versions.training(name, dataset, {"seed": order.seed}, order.now) as training,
    ):
        require_proof(workspace, learner.spec, bars, on_progress)
        scored, fits = _fit_and_score(workspace, learner, bars, order, on_progress)
        record = VersionRecord(
            version=training.version,
            learner=name,
            artifact=workspace.artifacts.save(_files({name: learner, **learner.baselines()}, fits)),
            trained_at=order.now.isoformat(),
            tickers=tuple(bars["ticker"].unique().sort()),
            certificate=certificate,
            metrics=_figures(fits[name], scored[name]),
            baselines={baseline: _figures(fits[baseline], scored[baseline]) for baseline in learner.baselines()},
        )
        workspace.versions.finish(training, record, order.now)
    return TrainedVersion(
        record=record,
        scored=scored[name],
        baselines={baseline: scored[baseline] for baseline in learner.baselines()},
        left_out=left_out,
    )


def _fit_and_score(
    workspace: Workspace, learner: AnyLearner, bars: pl.DataFrame, order: TrainingOrder, on_progress: Progress
) -> tuple[dict[str, Scored], dict[str, Fit[Any]]]:
    """The learner and its baselines on the same bars, by name: their scores on the reported block, and the fits."""
    context = FitContext(
        seed=order.seed, cache=workspace.layers, on_progress=on_progress, report_from=order.report_from
    )
    learners = {learner.spec.name: learner, **learner.baselines()}
    fits = {name: each.fit(bars, context) for name, each in learners.items()}
    on_progress("scoring the reported block", 0.0)
    rulebook = Rulebook(costs=order.costs, n_trials=workspace.versions.count(learner.spec.name))
    return {name: _score_block(learners[name], fit, bars, rulebook) for name, fit in fits.items()}, fits


def _dataset(
    learner: AnyLearner, bars: pl.DataFrame, certificate: Certificate, left_out: Mapping[str, str]
) -> NewDataset:
    """What the training reads, by what it can be found again."""
    return NewDataset(
        learner=learner.spec.name,
        content_hash=certificate.dataset_hash,
        window_start=earliest(bars["ts"]),
        window_end=certificate.max_t1,
        sample_count=bars.height,
        filters={
            "tickers": bars["ticker"].unique().sort().to_list(),
            "timeframe": str(learner.spec.timeframe),
            "feature_set": learner.spec.feature_set.name,
            "code": certificate.code,
            "seed": certificate.seed,
        },
        quality_report={"left_out": dict(left_out)},
    )


def _bars_to_read(
    workspace: Workspace, learner: AnyLearner, order: TrainingOrder
) -> tuple[pl.DataFrame, dict[str, str]]:
    """The visible bars of every ticker that may be trained on, and why the others may not."""
    timeframe = learner.spec.timeframe
    scanned = visible_before(workspace.silver.scan(timeframe, order.tickers), order.to)
    if order.start is not None:
        scanned = scanned.filter(pl.col("ts") >= pl.lit(order.start, UTC_TIME))
    bars = scanned.collect()
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


def _certificate(workspace: Workspace, learner: AnyLearner, bars: pl.DataFrame, seed: int) -> Certificate:
    """Everything handed to a fit counts as read, down to the last bar."""
    spec = learner.spec
    labels = learner.label(bars)
    read_until = latest(pl.concat([labels["t1"].rename("read"), bars["available_at"].rename("read")]))
    calendars = {entry.calendar for entry in workspace.silver.calendars(spec.timeframe).values()}
    allowed = [first_bar_after(read_until, spec.embargo_bars, calendar, spec.timeframe) for calendar in calendars]
    parts = {
        "bars": hash_bars(bars),
        "features": definition_hash(spec.feature_set),
        "learner": spec.name,
        "horizon_bars": spec.horizon_bars,
    }
    return Certificate(
        dataset_hash=DatasetHash(hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()),
        max_ts=latest(bars["ts"]),
        max_t1=read_until,
        first_allowed=max(allowed),
        seed=seed,
        code=code_version(),
        libraries=library_versions(),
    )


def _files(learners: Mapping[str, AnyLearner], fits: Mapping[str, Fit[Any]]) -> dict[str, bytes]:
    """The files of every model, below the name of its learner."""
    return {
        f"{name}/{path}": content
        for name, fit in fits.items()
        for path, content in learners[name].save(fit.model).items()
    }


def _score_block(learner: AnyLearner, fit: Fit[Any], bars: pl.DataFrame, rulebook: Rulebook) -> Scored:
    """Score on the reported block: the bars decided on from `scored_from`, which no fit has read."""
    block = bars.filter(pl.col("available_at") >= fit.scored_from)["ts"]
    span = Span(earliest(block), latest(block) + learner.spec.timeframe.length)
    return score(learner, fit.model, bars, span, rulebook)


def _figures(fit: Fit[Any], scored: Scored) -> dict[str, float | None]:
    """What was measured while fitting, and on the reported block; None where it could not be."""
    both = {**fit.metrics, **scored.metrics}
    return {name: value if math.isfinite(value) else None for name, value in both.items()}
