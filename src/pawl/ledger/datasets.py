"""Dataset versions: what a training read, by what it can be found again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import NotFoundError
from pawl.ids import DatasetHash, ModelVersion
from pawl.ledger.column_types import canonical_json, utc_text
from pawl.ledger.identity import identity
from pawl.ledger.training_tables import dataset_versions, train_jobs

__all__ = ["NewDataset", "StoredDataset", "dataset_of_version", "record_dataset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDataset:
    """What a training is about to read.

    window_start, window_end: first and last instant of it. filters: everything it can be rebuilt from (tickers, feature
    set, code, seed). quality_report: what the data check said. dataset_type: supervised for the numeric learners.
    """

    learner: str
    content_hash: DatasetHash
    window_start: datetime
    window_end: datetime
    sample_count: int
    filters: Mapping[str, Any]
    quality_report: Mapping[str, Any]
    dataset_type: str = "supervised"

    @property
    def dataset_version_id(self) -> UUID:
        """The same data, found by the same filters, is the same dataset version."""
        window = (utc_text(self.window_start), utc_text(self.window_end))
        return identity(
            "dataset", self.learner, self.dataset_type, self.content_hash, *window, canonical_json(dict(self.filters))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDataset:
    """A dataset version on record."""

    dataset_version_id: UUID
    content_hash: DatasetHash
    sample_count: int
    filters: Mapping[str, Any]


def record_dataset(tx: sa.Connection, new: NewDataset, now: datetime) -> UUID:
    """Write down a dataset version; one that is known already stays as it was."""
    found = sa.select(dataset_versions.c.dataset_version_id).where(
        dataset_versions.c.dataset_version_id == new.dataset_version_id
    )
    if tx.execute(found).one_or_none() is None:
        tx.execute(
            sa.insert(dataset_versions).values(
                dataset_version_id=new.dataset_version_id,
                dataset_type=new.dataset_type,
                window_start=new.window_start,
                window_end=new.window_end,
                sample_count=new.sample_count,
                filters=dict(new.filters),
                quality_report=dict(new.quality_report),
                created_at=now,
                learner=new.learner,
                content_hash=new.content_hash,
            )
        )
    return new.dataset_version_id


def dataset_of_version(tx: sa.Connection, version: ModelVersion) -> StoredDataset:
    """What a version was trained on; NotFoundError for a version whose training is not on record."""
    c = train_jobs.c
    newest = sa.select(c.dataset_version_ids).where(c.target_model_version == version, c.status == "succeeded")
    ids = tx.execute(newest).scalar_one_or_none()
    if not ids:
        raise NotFoundError(
            f"no training of `{version}` is on record",
            where="ml_train_jobs",
            fix="versions of this ledger: pawl versions",
        )
    row = tx.execute(sa.select(dataset_versions).where(dataset_versions.c.dataset_version_id == ids[0])).one()
    return StoredDataset(
        dataset_version_id=row.dataset_version_id,
        content_hash=DatasetHash(row.content_hash),
        sample_count=row.sample_count,
        filters=row.filters,
    )
