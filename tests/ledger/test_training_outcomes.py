"""What became of trainings."""

import pytest
import sqlalchemy as sa

from ledger_world import START, day, trained
from pawl.errors import NotFoundError
from pawl.ids import ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.train_jobs import STOPPED, NewJob, enqueue_job, fail_job, start_job
from pawl.ledger.training_outcomes import ended_training, failed_trainings, succeeded_job
from pawl.ledger.training_tables import train_jobs

V1 = ModelVersion("m002-1.1")


def test_failures_are_listed_with_their_cause_and_reason(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        trained(tx, "m002-1.0")
        for on, cause in ((2, "regime_change"), (4, None)):
            hyperparams = {"seed": 7} if cause is None else {"cause": cause}
            job_id = enqueue_job(tx, NewJob(version=V1, dataset_version_ids=[], hyperparams=hyperparams), day(on))
            assert ended_training(tx, job_id) is None
            start_job(tx, job_id, day(on))
            fail_job(tx, job_id, f"try {on}", day(on))
        found = failed_trainings(tx, "m002", day(1), day(4))
        assert [(one.version, one.error, one.cause) for one in found] == [
            (V1, "try 2", "regime_change"), (V1, "try 4", None),
        ]  # fmt: skip
        assert [one.error for one in failed_trainings(tx, "m002", day(2), day(4))] == ["try 4"]
        assert failed_trainings(tx, "reversal", day(1), day(4)) == []
        ended = ended_training(tx, found[0].job_id)
    assert ended is not None and (ended.version, ended.status, ended.finished_at) == (V1, "failed", day(2))


def test_the_job_of_a_version_is_the_one_that_gave_it(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        job_id = trained(tx, "m002-1.0")
        assert succeeded_job(tx, "m002-1.0") == job_id
        ended = ended_training(tx, job_id)
        assert ended is not None and (ended.status, ended.finished_at) == ("succeeded", START)
        with pytest.raises(NotFoundError, match=r"m002-1\.1"):
            succeeded_job(tx, V1)


def test_a_training_that_was_told_to_end_is_no_failure(ledger: Ledger) -> None:
    """Nobody is told of it, and it takes none of the tries that a cause has; one without a reason stays a failure."""
    with ledger.transaction() as tx:
        for on, why in ((2, STOPPED), (3, "no gradient"), (4, "")):
            job_id = enqueue_job(tx, NewJob(version=V1, dataset_version_ids=[], hyperparams={}), day(on))
            start_job(tx, job_id, day(on))
            fail_job(tx, job_id, why, day(on))
        tx.execute(sa.update(train_jobs).where(train_jobs.c.train_job_id == job_id).values(error_message=None))
        assert [one.error for one in failed_trainings(tx, "m002", day(1), day(4))] == ["no gradient", "no reason"]
