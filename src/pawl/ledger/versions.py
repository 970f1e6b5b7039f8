"""The versions of a ledger as the registry knows them: claimed numbers and JSON records."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pawl.errors import InputError
from pawl.ids import DatasetHash, ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.model_versions import NewVersion, StoredVersion, get_version, list_versions, record_version
from pawl.ledger.train_jobs import job_of
from pawl.ledger.version_number import claim_number, count_numbers

__all__ = ["LedgerVersions"]


class LedgerVersions:
    """Claim, record, get, all and count, each in one transaction.

    A record is a mapping with the keys version, learner, artifact, trained_at (ISO 8601 with its zone), tickers,
    certificate (with dataset_hash and max_t1), metrics and baselines, as it stands in JSON. clock: gives the present
    time, virtual in a replay.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        self.ledger = ledger
        self.clock = clock

    def claim(self, learner: str) -> ModelVersion:
        """The next free number of a learner, taken for good."""
        with self.ledger.transaction() as tx:
            return claim_number(tx, learner, self.clock()).version

    def count(self, learner: str) -> int:
        """How many numbers of a learner were ever taken."""
        with self.ledger.reading() as tx:
            return count_numbers(tx, learner)

    def record(self, record: Mapping[str, Any]) -> None:
        """Write down a trained version, with its training job where there is one."""
        with self.ledger.transaction() as tx:
            record_version(tx, _new_version(record, job_of(tx, ModelVersion(record["version"]))), self.clock())

    def get(self, version: str) -> dict[str, Any]:
        """The record of a version; NotFoundError lists those that exist."""
        with self.ledger.reading() as tx:
            return _record(get_version(tx, version))

    def all(self) -> list[dict[str, Any]]:
        """Every record, by learner, lowest number first."""
        with self.ledger.reading() as tx:
            return [_record(version) for version in list_versions(tx)]


def _new_version(record: Mapping[str, Any], train_job_id: UUID | None) -> NewVersion:
    try:
        return NewVersion(
            version=ModelVersion(record["version"]),
            trained_at=datetime.fromisoformat(record["trained_at"]),
            max_t1=datetime.fromisoformat(record["certificate"]["max_t1"]),
            dataset_hash=DatasetHash(record["certificate"]["dataset_hash"]),
            artifact=record["artifact"],
            tickers=tuple(record["tickers"]),
            certificate=record["certificate"],
            metrics=record["metrics"],
            baselines=record["baselines"],
            train_job_id=train_job_id,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"the record of a version cannot be read: {error!r}", where="ledger", fix="hand in every key of a record"
        ) from error


def _record(stored: StoredVersion) -> dict[str, Any]:
    return {
        "version": stored.version,
        "learner": stored.learner,
        "artifact": stored.artifact,
        "trained_at": stored.trained_at.isoformat(),
        "tickers": list(stored.tickers),
        "certificate": dict(stored.certificate),
        "metrics": dict(stored.metrics),
        "baselines": {name: dict(figures) for name, figures in stored.baselines.items()},
    }
