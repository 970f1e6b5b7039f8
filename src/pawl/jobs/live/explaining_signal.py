"""A decision of the live loop, led back to its version and data, and derived again from bars and artifact."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import polars as pl
import sqlalchemy as sa

from pawl.errors import NotFoundError
from pawl.ids import ModelVersion
from pawl.jobs.live.answering import Asked, answers_of, inference_of
from pawl.jobs.live.live_settings import LiveSettings
from pawl.jobs.loaded_models import LoadedModels
from pawl.jobs.training_data import rebuilt_hash
from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Learner
from pawl.ledger.column_types import canonical_json
from pawl.ledger.datasets import StoredDataset, dataset_of_version
from pawl.ledger.decision_tables import decision_trajectories, inference_logs
from pawl.ledger.market_data import NewestBar
from pawl.ledger.model_versions import StoredVersion, get_version
from pawl.ledger.signal_tables import trading_signals
from pawl.market.bars import UTC_TIME

__all__ = ["SignalExplained", "explain_signal"]

AnyLearner = Learner[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalExplained:
    """A signal and what it leads back to. decision: as it was taken. outcome: its word, None while it is open.

    is_same_dataset: the dataset version still builds to its hash. is_same_decision: bars and artifact still give the
    very bytes; they do not where the source has corrected a bar since.
    """

    trace_id: str
    signal_id: UUID
    inference_id: UUID
    trajectory_id: UUID | None
    pair: str
    at: datetime
    signal: str
    outcome: str | None
    decision: Mapping[str, Any]
    model_version: ModelVersion
    train_job_id: UUID | None
    dataset_version_id: UUID
    is_same_dataset: bool
    is_same_decision: bool

    @property
    def is_identical(self) -> bool:
        """Whether both hold."""
        return self.is_same_dataset and self.is_same_decision


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    signal: sa.RowMapping
    response: Mapping[str, Any]
    trajectory_id: UUID | None
    version: StoredVersion
    dataset: StoredDataset


def explain_signal(
    workspace: Workspace, learner_named: Callable[[str], AnyLearner], settings: LiveSettings, trace_id: str
) -> SignalExplained:
    """Explain the signal that was acted on; NotFoundError for a trace of which the loop knows nothing."""
    with workspace.versions.ledger.reading() as tx:
        found = _find(tx, trace_id)
    learner, row = learner_named(found.version.learner), found.signal
    rebuilt = rebuilt_hash(workspace.silver, learner.spec, found.dataset.filters)
    return SignalExplained(
        trace_id=trace_id,
        signal_id=row["id"],
        inference_id=row["inference_id"],
        trajectory_id=found.trajectory_id,
        pair=row["pair"],
        at=row["created_at"],
        signal=row["signal"],
        outcome=row["actual_outcome"],
        decision=found.response["decision"],
        model_version=found.version.version,
        train_job_id=found.version.train_job_id,
        dataset_version_id=found.dataset.dataset_version_id,
        is_same_dataset=rebuilt == found.dataset.content_hash,
        is_same_decision=_derived(workspace, learner, settings, found) == canonical_json(found.response),
    )


def _find(tx: sa.Connection, trace_id: str) -> _Found:
    s, i, t = trading_signals.c, inference_logs.c, decision_trajectories.c
    acted = sa.select(trading_signals).where(s.trace_id == trace_id, ~s.is_shadow, s.inference_id.is_not(None))
    row = tx.execute(acted.order_by(s.created_at).limit(1)).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"no signal has the trace `{trace_id}`", where="trading_signals", fix="take one from there")
    response = tx.execute(sa.select(i.response_payload).where(i.inference_id == row["inference_id"])).scalar_one()
    trajectory = sa.select(t.trajectory_id).where(t.source_event_id == row["id"])
    version = get_version(tx, row["model_version"])
    return _Found(
        signal=row,
        response=response,
        trajectory_id=tx.execute(trajectory).scalar_one_or_none(),
        version=version,
        dataset=dataset_of_version(tx, version.version),
    )


def _derived(workspace: Workspace, learner: AnyLearner, settings: LiveSettings, found: _Found) -> str | None:
    """What today's bars and the stored artifact say, as canonical JSON; None where they say nothing."""
    row, spec = found.signal, learner.spec
    had_closed = pl.col("available_at") <= pl.lit(row["created_at"], UTC_TIME)
    shown = workspace.silver.scan(spec.timeframe, [row["pair"]]).filter(
        had_closed & (pl.col("ts") <= pl.lit(row["bar_timestamp"], UTC_TIME))
    )
    bars = shown.collect().tail(settings.history_bars)
    asked = Asked(
        bar=NewestBar(
            pair=row["pair"],
            timestamp=row["bar_timestamp"],
            closed_at=row["created_at"],
            close=row["entry_price"] or 0.0,
            features_hash=row["features_hash"],
        ),
        version=found.version.version,
        learner=spec.name,
        timeframe=str(spec.timeframe),
        feature_set=spec.feature_set.name,
        is_shadow=False,
        ab_test_id=None,
    )
    model = LoadedModels(workspace, learner).of(workspace.versions.get(found.version.version))
    answers = answers_of(learner, model, bars, [asked])
    return canonical_json(inference_of(answers[0], row["created_at"]).response_payload) if answers else None
