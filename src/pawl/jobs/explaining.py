"""From a decision back to its cause, and forward again: the decision is derived anew from its dataset and artifact."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import polars as pl

from pawl.errors import NotFoundError
from pawl.ids import ModelVersion
from pawl.jobs.ledgers import replay_ledgers
from pawl.jobs.loaded_models import LoadedModels
from pawl.jobs.replay_rows import decision_payload
from pawl.jobs.training_data import rebuilt_hash
from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Learner
from pawl.ledger.column_types import canonical_json
from pawl.ledger.datasets import StoredDataset, dataset_of_version
from pawl.ledger.model_versions import StoredVersion, get_version
from pawl.ledger.replay_log import LoggedDecision, find_decision
from pawl.market.bars import UTC_TIME
from pawl.registry.versions import VersionStore

__all__ = ["Explained", "explain_trace"]

AnyLearner = Learner[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A decision and what it leads back to.

    decision: its payload as logged, ids included. replay: the replay that it was taken in. is_same_dataset: the dataset
    version still builds to its hash. is_same_decision: data and artifact still give the very bytes.
    """

    decision: Mapping[str, Any]
    at: datetime
    ticker: str
    policy: str
    replay: str
    dataset_version_id: UUID
    train_job_id: UUID | None
    model_version: ModelVersion
    is_same_dataset: bool
    is_same_decision: bool

    @property
    def is_identical(self) -> bool:
        """Whether both hold."""
        return self.is_same_dataset and self.is_same_decision


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    replay: str
    logged: LoggedDecision
    version: StoredVersion
    dataset: StoredDataset


def explain_trace(
    workspace: Workspace, learner_named: Callable[[str], AnyLearner], trace_id: str, replay: str | None
) -> Explained:
    """Explain a decision of a replay. replay: its name; None searches all of them.

    NotFoundError for an unknown trace; CorruptArtifactError when a byte of the artifact was changed.
    """
    found = _find(workspace, trace_id, replay)
    learner = learner_named(found.version.learner)
    dataset = found.dataset
    rebuilt = rebuilt_hash(workspace.silver, learner.spec, dataset.filters)
    return Explained(
        decision=json.loads(found.logged.payload),
        at=found.logged.at,
        ticker=found.logged.ticker,
        policy=found.logged.policy,
        replay=found.replay,
        dataset_version_id=dataset.dataset_version_id,
        train_job_id=found.version.train_job_id,
        model_version=found.version.version,
        is_same_dataset=rebuilt == dataset.content_hash,
        is_same_decision=_derived(workspace, learner, found) == found.logged.payload,
    )


def _find(workspace: Workspace, trace_id: str, replay: str | None) -> _Found:
    ledgers = replay_ledgers(workspace.home, replay)
    for name, ledger in ledgers.items():
        with ledger.reading() as tx:
            logged = find_decision(tx, trace_id)
            if logged is not None:
                version = get_version(tx, json.loads(logged.payload)["version"])
                return _Found(
                    replay=name, logged=logged, version=version, dataset=dataset_of_version(tx, version.version)
                )
    raise NotFoundError(
        f"no decision has the trace `{trace_id}`",
        where=f"the workspace's ledger; replays {', '.join(ledgers) or '(none so far)'}",
        fix="take a trace_id from a signal, from an answer of the service, or as pawl replay prints one",
    )


def _derived(workspace: Workspace, learner: AnyLearner, found: _Found) -> str | None:
    """The payload that today's bars and the stored artifact give; None where they give no such decision."""
    logged = found.logged
    stood = json.loads(logged.payload)
    own = replace(workspace, versions=VersionStore(workspace.home / "replays" / found.replay))
    model = LoadedModels(own, learner).of(own.versions.get(found.version.version))
    visible = pl.col("available_at") <= pl.lit(logged.at, UTC_TIME)
    bars = workspace.silver.scan(learner.spec.timeframe, logged.decided_on).filter(visible).collect()
    opened_at = datetime.fromisoformat(stood["opened_at"])
    said = learner.decide(learner.predict(model, bars, since=opened_at))
    ours = said.filter((pl.col("ticker") == logged.ticker) & (pl.col("ts") == pl.lit(opened_at, UTC_TIME)))
    if ours.height != 1:
        return None
    ids = {name: value for name, value in stood.items() if name.endswith("_id")}
    return canonical_json(decision_payload(ids, found.version.version, ours.row(0, named=True)))
