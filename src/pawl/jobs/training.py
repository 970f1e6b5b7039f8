"""Training: visible bars, checked and proved, become a version with a certificate."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl
from joblib.externals.loky.process_executor import BrokenProcessPool

from pawl.ids import ModelVersion
from pawl.jobs.code_version import code_version, library_versions
from pawl.jobs.evaluation import Rulebook, Scored, Span, score
from pawl.jobs.golden import golden_files
from pawl.jobs.proving import require_proof
from pawl.jobs.training_data import TrainingData, TrainingOrder, dataset_of, training_data
from pawl.jobs.workers import workers
from pawl.jobs.workspace import Workspace
from pawl.learners.certificate import Certificate
from pawl.learners.learner import Fit, FitContext, Learner
from pawl.market.instants import earliest, latest
from pawl.registry.versions import Beside, Claim, VersionRecord

__all__ = ["Conclusion", "Fitted", "TrainedVersion", "train"]

AnyLearner = Learner[Any]
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedVersion:
    """A version as it stands in the registry. left_out: ticker → why it was not trained on."""

    record: VersionRecord
    scored: Scored
    baselines: Mapping[str, Scored]
    left_out: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A training before its version is written down. fits: of the learner and its baselines, by name."""

    version: ModelVersion
    bars: pl.DataFrame
    fits: Mapping[str, Fit[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What is kept of a training beside the usual. files: more files of the version. metrics: more of its figures."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    beside: Beside = field(default_factory=Beside)


def the_usual(fitted: Fitted) -> Conclusion:
    """Nothing beside the usual."""
    return Conclusion()


def train(
    workspace: Workspace,
    learner: AnyLearner,
    order: TrainingOrder,
    on_progress: Progress,
    conclude: Callable[[Fitted], Conclusion] = the_usual,
) -> TrainedVersion:
    """Train the learner and its baselines on the same bars, score them on their reported block, record the version.

    FutureLeakError when a feature of the learner is not point-in-time; QualityError, NotFoundError or
    TooLittleDataError when there is nothing to train on. All that is recorded then is that the training failed.
    on_progress: may raise StoppedEarly, and the job says so. conclude: what is kept beside the usual.
    """
    on_progress("reading and checking bars", 0.0)
    data = training_data(workspace, learner, order)
    bars, name = data.bars, learner.spec.name
    dataset = dataset_of(learner, order, data)
    claim = Claim(learner=name, dataset=dataset, seed=order.seed, number=order.number, job_id=order.job_id)
    with workers(order.n_jobs), workspace.versions.training(claim, order.now) as training, _asked_again(on_progress):
        require_proof(workspace, learner.spec, bars, on_progress, order.proved_on)
        scored, fits = _fit_and_score(workspace, learner, bars, order, on_progress)
        golden = golden_files(learner, fits[name].model, bars)
        more = conclude(Fitted(version=training.version, bars=bars, fits=fits))
        files = {**_files({name: learner, **learner.baselines()}, fits), **golden, **more.files}
        record = VersionRecord(
            version=training.version,
            learner=name,
            artifact=workspace.artifacts.save(files),
            trained_at=order.now.isoformat(),
            tickers=tuple(bars["ticker"].unique().sort()),
            certificate=_certificate(data, fits[name].scored_from, order.seed),
            metrics={**_figures(fits[name], scored[name]), **more.metrics},
            baselines={baseline: _figures(fits[baseline], scored[baseline]) for baseline in learner.baselines()},
        )
        workspace.versions.finish(training, record, order.now, more.beside)
    return TrainedVersion(
        record=record,
        scored=scored[name],
        baselines={baseline: scored[baseline] for baseline in learner.baselines()},
        left_out=data.left_out,
    )


@contextmanager
def _asked_again(on_progress: Progress) -> Iterator[None]:
    """Ask whoever is told of the progress whether it was to end, where a pool of workers broke: one that was just
    starting cannot ignore the signal yet by which its parent is told to end.
    """
    try:
        yield
    except BrokenProcessPool:
        on_progress("ending", 0.0)
        raise


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


def _certificate(data: TrainingData, scored_from: datetime, seed: int) -> Certificate:
    """Everything handed to a fit counts as read, down to the last bar."""
    return Certificate(
        dataset_hash=data.content_hash,
        max_ts=latest(data.bars["ts"]),
        max_t1=data.read_until,
        scored_from=scored_from,
        first_allowed=data.first_allowed,
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
