"""Model versions as the registry hands them round: records of what was trained, kept in the ledger."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import NotFoundError
from pawl.ids import ModelVersion
from pawl.learners.certificate import Certificate
from pawl.ledger.database import LEDGER_FILE, Ledger
from pawl.ledger.datasets import NewDataset, record_dataset
from pawl.ledger.model_versions import NewVersion, StoredVersion, get_version, list_versions, record_version
from pawl.ledger.train_jobs import NewJob, TrainingFigures, enqueue_job, fail_cut_off, fail_job, start_job, succeed_job
from pawl.ledger.version_number import VersionNumber, claim_number, count_numbers, keep_number
from pawl.registry.stopping import said_of

__all__ = ["Beside", "Claim", "Training", "VersionRecord", "VersionStore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """What is known of a version.

    artifact: id of its set of files. metrics and baselines: figures of the reported block, by name, and by baseline.
    files_removed_at: when its files were given up, as the ledger says; None while it has them.
    """

    version: ModelVersion
    learner: str
    artifact: str
    trained_at: str
    tickers: tuple[str, ...]
    certificate: Certificate
    metrics: Mapping[str, float | None]
    baselines: Mapping[str, Mapping[str, float | None]]
    files_removed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a training is of. number: the one it must get, although a run that was cut off may have taken it; None takes
    the next free one. job_id: of the job that was queued for this number; None queues one.
    """

    learner: str
    dataset: NewDataset
    seed: int
    number: VersionNumber | None = None
    job_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A training that runs: the number it was given, and its job."""

    version: ModelVersion
    job_id: UUID


def nothing_more(tx: sa.Connection) -> None:
    """Settle nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What is written down beside the record of a version, in its transaction.

    columns: of the training job, by name. report: figures that are told. artifacts: what the job made. paths: columns
    of the version that say where its files lie. parent: of an incremental version. settle: what else belongs to it, as
    its verdict.
    """

    columns: Mapping[str, float | int | str | datetime | None] = field(default_factory=dict)
    report: Mapping[str, float | None] = field(default_factory=dict)
    artifacts: Mapping[str, Any] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    parent: ModelVersion | None = None
    settle: Callable[[sa.Connection], None] = nothing_more


class VersionStore:
    """The versions of a workspace. home: where its ledger lies; nothing is made in it before the first write. ledger:
    the one to use in place of the file in `home`.

    A number is claimed before its training starts and never used again, so a failed training leaves a gap.
    """

    def __init__(self, home: Path, ledger: Ledger | None = None) -> None:
        self.home = home
        self._given = ledger

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, opened and brought to this release's schema when it is first asked for."""
        return self._given or Ledger.open(self.home)

    @contextmanager
    def training(self, claim: Claim, now: datetime) -> Iterator[Training]:
        """Claim a number and start its job; an error inside the block fails the job, `finish` lets it succeed."""
        with self.ledger.transaction() as tx:
            number = claim.number
            if number is None:
                number = claim_number(tx, claim.learner, now)
            elif claim.job_id is None:
                keep_number(tx, number, now)
                fail_cut_off(tx, number.version, now)
            dataset_id = record_dataset(tx, claim.dataset, now)
            if claim.job_id is None:
                job = NewJob(version=number.version, dataset_version_ids=[dataset_id], hyperparams={"seed": claim.seed})
            job_id = claim.job_id or enqueue_job(tx, job, now)
            start_job(tx, job_id, now, [dataset_id])
        try:
            yield Training(version=number.version, job_id=job_id)
        except (Exception, KeyboardInterrupt) as error:  # a user's own learner may raise anything; it goes on its way
            with self.ledger.transaction() as tx:
                fail_job(tx, job_id, said_of(error), now)
            raise

    def finish(self, training: Training, record: VersionRecord, now: datetime, beside: Beside | None = None) -> None:
        """Write down the version, the success of its job, and what belongs beside them, in one transaction."""
        beside = beside or Beside()
        new = NewVersion(
            version=training.version,
            trained_at=datetime.fromisoformat(record.trained_at),
            max_t1=record.certificate.max_t1,
            dataset_hash=record.certificate.dataset_hash,
            artifact=record.artifact,
            tickers=record.tickers,
            certificate=record.certificate.to_json(),
            metrics=record.metrics,
            baselines=record.baselines,
            train_job_id=training.job_id,
            model_type="full" if beside.parent is None else "incremental",
            parent=beside.parent,
            paths=beside.paths,
        )
        figures = TrainingFigures(
            artifacts={**beside.artifacts, "artifact": record.artifact}, columns=beside.columns, report=beside.report
        )
        with self.ledger.transaction() as tx:
            record_version(tx, new, now)
            succeed_job(tx, training.job_id, figures, now)
            beside.settle(tx)

    def count(self, learner: str) -> int:
        """How many numbers of a learner were ever taken: the trials that a good-looking Sharpe ratio must survive."""
        if not self._exists:
            return 0
        with self.ledger.reading() as tx:
            return count_numbers(tx, learner)

    def get(self, version: str) -> VersionRecord:
        """The record of a version; NotFoundError lists those that exist."""
        if not self._exists:
            number = VersionNumber.parse(version)
            raise NotFoundError(
                f"no version `{number.version}`", where=str(self.home), fix=f"train one: pawl train {number.learner}"
            )
        with self.ledger.reading() as tx:
            return _record(get_version(tx, version))

    def all(self) -> list[VersionRecord]:
        """Every recorded version, by learner, lowest number first."""
        if not self._exists:
            return []
        with self.ledger.reading() as tx:
            return [_record(stored) for stored in list_versions(tx)]

    @property
    def _exists(self) -> bool:
        return self._given is not None or (self.home / LEDGER_FILE).exists()


def _record(stored: StoredVersion) -> VersionRecord:
    return VersionRecord(
        version=stored.version,
        learner=stored.learner,
        artifact=stored.artifact,
        trained_at=stored.trained_at.isoformat(),
        tickers=tuple(stored.tickers),
        certificate=Certificate.from_json(stored.certificate),
        metrics=stored.metrics,
        baselines=stored.baselines,
        files_removed_at=stored.files_removed_at,
    )
