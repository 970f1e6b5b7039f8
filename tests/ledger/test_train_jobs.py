"""Jobs move one way, and one worker starts each."""

from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from ledger_world import START, address, day, run_together
from pawl.errors import NotFoundError, RefusalError
from pawl.ids import ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.train_jobs import (
    STOPPED,
    NewJob,
    TrainingFigures,
    count_jobs,
    enqueue_job,
    fail_job,
    job_status,
    start_job,
    succeed_job,
)  # fmt: skip
from pawl.ledger.training_tables import train_jobs

NOTHING = TrainingFigures(artifacts={})

RACE = """
import sys
from datetime import UTC, datetime
from uuid import UUID
from pawl.errors import RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.train_jobs import start_job
ledger = Ledger(sys.argv[1])
for job in sys.argv[2:-1]:
    try:
        with ledger.transaction() as tx:
            start_job(tx, UUID(job), datetime.now(UTC))
    except RefusalError:
        continue
    print(job)
"""


def queued(tx: sa.Connection, version: str = "m002-1.0") -> UUID:
    return enqueue_job(tx, NewJob(version=ModelVersion(version), dataset_version_ids=[], hyperparams={}), START)


def test_pass_r36_states_move_forward_only(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        job = queued(tx)
        with pytest.raises(RefusalError, match="is queued, so it cannot become succeeded"):
            succeed_job(tx, job, NOTHING, day(1))
        with pytest.raises(RefusalError, match="is queued, so it cannot become failed"):
            fail_job(tx, job, "no", day(1))
        start_job(tx, job, day(1))
        with pytest.raises(RefusalError, match="is running, so it cannot become running"):
            start_job(tx, job, day(2))
        succeed_job(tx, job, TrainingFigures(artifacts={"set": "a"}, columns={"num_samples": 5}), day(2))
        for again in (
            lambda: start_job(tx, job, day(3)),
            lambda: succeed_job(tx, job, NOTHING, day(3)),
            lambda: fail_job(tx, job, "late", day(3)),
        ):
            with pytest.raises(RefusalError, match="is succeeded"):
                again()
        row = tx.execute(sa.select(train_jobs)).one()
    assert (row.num_samples, row.started_at, row.finished_at) == (5, day(1), day(2))


def test_pass_r36_of_workers_that_start_a_job_at_once_one_wins(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        jobs = [str(queued(tx, f"m002-1.{minor}")) for minor in range(15)]
    printed = run_together(RACE, [address(ledger), *jobs], 3, tmp_path)
    assert sorted(job for text in printed for job in text.split()) == sorted(jobs)


def test_a_failed_job_stays_failed_and_another_attempt_is_a_new_job(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        first = queued(tx)
        with pytest.raises(RefusalError, match="has a training job that is queued"):
            queued(tx)
        start_job(tx, first, day(1))
        fail_job(tx, first, "out of memory", day(1))
        second = queued(tx)
        assert second != first
        assert (job_status(tx, first), job_status(tx, second)) == ("failed", "queued")


def test_an_unknown_job_is_named(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError, match="no training job"), ledger.transaction() as tx:
        start_job(tx, identity("train_job", "nobody"), START)


def test_a_job_that_was_told_to_end_is_counted_apart_from_the_failed(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for why in ("out of memory", STOPPED, STOPPED):
            job = queued(tx)
            start_job(tx, job, day(1))
            fail_job(tx, job, why, day(1))
        start_job(tx, queued(tx), day(1))
        assert count_jobs(tx) == {"failed": 1, "stopped": 2, "running": 1}
