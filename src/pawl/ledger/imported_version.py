"""The version that a learner had before it came here: a row without files, so that what follows it has a past."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import sqlalchemy as sa

from pawl.ids import DatasetHash
from pawl.learners.certificate import Certificate
from pawl.ledger.model_versions import NewVersion, record_version
from pawl.ledger.version_number import IMPORTED, VersionNumber
from pawl.ledger.version_tables import model_versions

__all__ = ["IMPORTED_AT", "import_retired"]

IMPORTED_AT: Mapping[str, datetime] = MappingProxyType({"reversal": datetime(2025, 10, 14, tzinfo=UTC)})
"""When the version that came from elsewhere was trained there."""

REASON = "came from elsewhere; its files are not here"


def import_retired(tx: sa.Connection, learner: str, at: datetime) -> VersionNumber | None:
    """Write down the version that a learner came with, retired, once; None for a learner that came with none.

    What it has read is not known; its certificate says all that was there when it was trained. It never served here and
    cannot: there is nothing to load.
    """
    if learner not in IMPORTED:
        return None
    major, minor = IMPORTED[learner]
    number = VersionNumber(learner, major, minor)
    c = model_versions.c
    if tx.execute(sa.select(c.version).where(c.version == number.version)).one_or_none() is None:
        trained_at = IMPORTED_AT[learner]
        certificate = Certificate(
            dataset_hash=DatasetHash(""),
            max_ts=trained_at,
            max_t1=trained_at,
            scored_from=trained_at,
            first_allowed=trained_at,
            seed=0,
            code="elsewhere",
            libraries={},
        )
        new = NewVersion(
            version=number.version,
            trained_at=trained_at,
            max_t1=trained_at,
            dataset_hash=DatasetHash(""),
            artifact="",
            tickers=(),
            certificate=certificate.to_json(),
            metrics={},
            baselines={},
        )
        record_version(tx, new, at)
        retired = {"status": "retired", "deprecated_at": at, "deprecated_reason": REASON}
        tx.execute(sa.update(model_versions).where(c.version == number.version).values(**retired))
    return number
