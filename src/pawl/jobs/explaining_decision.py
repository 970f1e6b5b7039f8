"""A decision that came through the service, led back to its cause and on to what was learnt from it.

Its trajectory is derived again from its events, and has to be the very bytes that are stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID

import polars as pl
import sqlalchemy as sa

from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.trajectory import (
    DecisionChain,
    DecisionEvent,
    Scored,
    chains_of,
    context_part,
    decision_part,
    score,
)
from pawl.errors import InputError, NotFoundError
from pawl.ledger.column_types import canonical_json
from pawl.ledger.decision_record import (
    DecisionRecord,
    broken_rows,
    candidate_datasets,
    decision_record,
    descendants,
)
from pawl.ledger.event_payloads import read_payload
from pawl.ledger.identity import identity
from pawl.ledger.model_versions import get_version
from pawl.policy.label_quality import LabelQuality

__all__ = ["DecisionExplained", "HoldingDataset", "explain_decision"]

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingDataset:
    """A dataset version that holds the decision, in so many rows; None where its rows are not on this machine."""

    dataset_version_id: UUID
    dataset_type: str
    n_rows: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionExplained:
    """record: what the ledger holds of it. datasets: that hold it. train_job_ids, model_versions: what came of those.

    recommended_by: the train job of the version that recommended; None where the version is not on record. differences:
    the parts of the stored trajectory that its events no longer give. broken: chained rows that do not verify.
    lookup_ms: how long all that was looked up in the ledger took, without the derivation and the files of datasets.
    """

    record: DecisionRecord
    datasets: tuple[HoldingDataset, ...]
    train_job_ids: tuple[UUID, ...]
    model_versions: tuple[str, ...]
    recommended_by: UUID | None
    differences: tuple[str, ...]
    broken: tuple[str, ...]
    lookup_ms: float

    @property
    def is_folded(self) -> bool:
        """Whether its trajectory stands."""
        return self.record.trajectory is not None

    @property
    def is_identical(self) -> bool:
        """Whether the events give the stored trajectory to the byte, and every chained row verifies."""
        return not self.differences and not self.broken


def explain_decision(tx: sa.Connection, home: Path, trace_id: str, settings: PassportSettings) -> DecisionExplained:
    """Explain a decision of the service. home: of the workspace, whose `datasets` hold the rows of versions.

    NotFoundError where no event has the trace.
    """
    began = perf_counter()
    record = decision_record(tx, trace_id)
    broken = broken_rows(tx, record)
    candidates = candidate_datasets(tx, _decided_at(record))
    seconds = perf_counter() - began
    datasets = _holding(home, record, candidates)
    began = perf_counter()
    learnt = descendants(tx, [one.dataset_version_id for one in datasets])
    recommended_by = _recommended_by(tx, record)
    seconds += perf_counter() - began
    return DecisionExplained(
        record=record,
        datasets=datasets,
        train_job_ids=learnt.train_job_ids,
        model_versions=learnt.model_versions,
        recommended_by=recommended_by,
        differences=_differences(record, settings),
        broken=broken,
        lookup_ms=seconds * 1000,
    )


def _decided_at(record: DecisionRecord) -> datetime:
    decided_at: datetime = record.events[0]["occurred_at"]
    return decided_at


def _recommended_by(tx: sa.Connection, record: DecisionRecord) -> UUID | None:
    if record.inference is None:
        return None
    try:
        return get_version(tx, record.inference["model_version"]).train_job_id
    except NotFoundError:  # recommended by a model that was trained elsewhere
        return None


def _holding(home: Path, record: DecisionRecord, candidates: Sequence[Row]) -> tuple[HoldingDataset, ...]:
    if record.trajectory is None:
        return ()
    trajectory_id: UUID = record.trajectory["trajectory_id"]
    found = []
    for row in candidates:
        n_rows = _n_rows(home / "datasets" / str(row["dataset_version_id"]) / "rows.parquet", trajectory_id)
        if n_rows != 0:
            found.append(
                HoldingDataset(
                    dataset_version_id=row["dataset_version_id"], dataset_type=row["dataset_type"], n_rows=n_rows
                )
            )
    return tuple(found)


def _n_rows(path: Path, trajectory_id: UUID) -> int | None:
    """In how many rows of a version a trajectory stands, as a sample or as a side of a pair; None without its file."""
    if not path.exists():
        return None
    rows = pl.scan_parquet(path)
    names = [name for name in rows.collect_schema().names() if name in ("trajectory_id", "chosen_id", "rejected_id")]
    is_it = pl.any_horizontal(pl.col(name).is_in([str(trajectory_id), trajectory_id.hex]) for name in names)
    return int(rows.filter(is_it).select(pl.len()).collect().item())


def _differences(record: DecisionRecord, settings: PassportSettings) -> tuple[str, ...]:
    """The parts of the stored trajectory that differ from what its events give; none where it is still to be folded."""
    try:
        chains = chains_of(_event(row) for row in record.events)
        chain = next(iter(chains.values()), None)
        told = None if chain is None else _told(chain, settings)
    except InputError:
        return ("events",)
    stored = record.trajectory
    if stored is None:
        was_told = chain is not None and any(row["processed_at"] is not None for row in record.events)
        return ("trajectory",) if was_told else ()
    if told is None:
        return ("events",)
    differing = [name for name, value in told.items() if _text(stored[name]) != _text(value)]
    return tuple(name for name in differing if not _is_waiting(name, record) and not _is_conflict(name, stored, told))


def _told(chain: DecisionChain, settings: PassportSettings) -> dict[str, Any]:
    """The columns of a trajectory that its chain gives."""
    decided = chain.decided
    outcome = score([chain], settings)[0] if chain.is_final else None
    scored = outcome if isinstance(outcome, Scored) else None
    return {
        "trajectory_id": identity("trajectory", decided.source_event_id),
        "user_id": decided.user_id,
        "source_event_id": decided.source_event_id,
        "inference_id": decided.inference_id,
        "created_at": decided.recorded_at,
        "context_features": context_part(chain),
        "decision_features": decision_part(chain),
        "outcome_features": scored.outcome_features if scored else None,
        "utility_score": scored.utility_score if scored else None,
        "label_quality": scored.label_quality if scored else LabelQuality.PENDING.value,
    }


def _event(row: Row) -> DecisionEvent:
    return DecisionEvent(
        event_id=row["event_id"],
        user_id=row["user_id"],
        trace_id=row["trace_id"],
        inference_id=row["inference_id"],
        source_event_id=row["source_event_id"],
        recorded_at=row["recorded_at"],
        payload=read_payload(row["event_type"], row["payload"]),
    )


def _is_waiting(name: str, record: DecisionRecord) -> bool:
    """Whether a part may still change: an action or an outcome whose event is in the outbox, to be folded yet."""
    later = ("decision_features", "outcome_features", "utility_score", "label_quality")
    return name in later and any(row["processed_at"] is None for row in record.events)


def _is_conflict(name: str, stored: Row, told: Row) -> bool:
    """A label that a dataset has made ambiguous since stays so: another decision says the contrary."""
    is_final = told["label_quality"] != LabelQuality.PENDING.value
    return name == "label_quality" and is_final and stored[name] == LabelQuality.AMBIGUOUS.value


def _text(value: Any) -> str:  # noqa: ANN401 - whatever a column holds
    if isinstance(value, Mapping):
        return canonical_json(value)
    return str(float(value)) if isinstance(value, int | float) else str(value)
