"""A backtest of a recorded version on bars that it has never read, its baselines beside it on the same rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from pawl.errors import CorruptArtifactError, InputError, TooLittleDataError
from pawl.evaluation.costs import Costs
from pawl.jobs.evaluation import Rulebook, Scored, Span, score
from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Learner
from pawl.ledger.model_versions import require_files
from pawl.market.instants import latest
from pawl.registry.versions import VersionRecord

__all__ = ["BacktestOrder", "ScoredVersion", "backtest_version", "load_model", "load_models"]

AnyLearner = Learner[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestOrder:
    """What to score: start inclusive, end exclusive, both open times. end None: to the last bar."""

    start: datetime
    end: datetime | None
    costs: Costs
    tickers: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredVersion:
    """A version over a span of unread bars. bars: those of the span, with their history."""

    record: VersionRecord
    span: Span
    model: Scored
    baselines: Mapping[str, Scored]
    bars: pl.DataFrame
    importance: Mapping[str, float]


def backtest_version(workspace: Workspace, learner: AnyLearner, version: str, order: BacktestOrder) -> ScoredVersion:
    """Score a version and its baselines.

    OverlapError, with the first allowed date, when the range overlaps what the version has read; CorruptArtifactError
    when its files are not what was stored; TooLittleDataError when no bar lies in the range.
    """
    record = workspace.versions.get(version)
    if order.end is not None and order.end <= order.start:
        raise InputError(
            f"the range ends at {order.end:%Y-%m-%d}, not after its start", where="--to", fix="choose a later --to"
        )
    record.certificate.require_unread(record.version, order.start)
    models = load_models(workspace, learner, record)
    bars = workspace.silver.scan(learner.spec.timeframe, order.tickers or record.tickers).collect()
    if bars.filter(pl.col("ts") >= order.start).is_empty():
        raise TooLittleDataError(
            f"no bar opens at {order.start:%Y-%m-%d} or later",
            where=str(workspace.home),
            fix="import newer bars, or choose an earlier range",
        )
    span = Span(order.start, order.end or latest(bars["ts"]) + learner.spec.timeframe.length)
    rulebook = Rulebook(costs=order.costs, n_trials=workspace.versions.count(learner.spec.name))
    scored = {name: score(each, model, bars, span, rulebook) for name, (each, model) in models.items()}
    chief = learner.spec.name
    return ScoredVersion(
        record=record,
        span=span,
        model=scored[chief],
        baselines={name: figures for name, figures in scored.items() if name != chief},
        bars=bars.filter(pl.col("ts") < span.end),
        importance=learner.importance(models[chief][1]),
    )


def load_models(workspace: Workspace, learner: AnyLearner, record: VersionRecord) -> dict[str, tuple[AnyLearner, Any]]:
    """The models of a version by name, its own and its baselines', each with the learner that predicts with it."""
    require_files(record.version, record.files_removed_at)
    files = workspace.artifacts.load(record.artifact)
    learners = {learner.spec.name: learner, **learner.baselines()}
    return {name: (each, each.load(_below(name, files, record))) for name, each in learners.items()}


def load_model(learner: AnyLearner, files: Mapping[str, bytes], record: VersionRecord) -> Any:  # noqa: ANN401 - a model is whatever its learner fits
    """The version's own model, without its baselines, from the files of its artifact."""
    return learner.load(_below(learner.spec.name, files, record))


def _below(name: str, files: Mapping[str, bytes], record: VersionRecord) -> dict[str, bytes]:
    prefix = f"{name}/"
    found = {path.removeprefix(prefix): content for path, content in files.items() if path.startswith(prefix)}
    if not found:
        raise CorruptArtifactError(
            f"`{record.version}` holds no files of `{name}`",
            where=f"artifact {record.artifact[:12]}…",
            fix="train the version again with this release",
        )
    return found
