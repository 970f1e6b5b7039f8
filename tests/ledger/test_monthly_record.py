"""What the ledger says of a month: trainings, verdicts, tests, and the first signals."""

from datetime import timedelta

import sqlalchemy as sa

from ledger_world import START, day, judged, move, promoted, trained
from pawl.ids import ModelVersion
from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import promote
from pawl.ledger.identity import identity
from pawl.ledger.monthly_record import (
    count_tests_decided,
    ended_jobs,
    first_signals,
    reasons_retired,
    verdict_rows,
)
from pawl.ledger.signals import NewSignal, record_signals
from pawl.ledger.train_jobs import NewJob, enqueue_job, fail_job, start_job
from pawl.ledger.training_tables import dataset_versions


def test_trainings_and_verdicts_of_a_span_are_told_with_its_end_and_without_its_start(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        trained(tx, "m002-1.1")
        judged(tx, "m002-1.1", passes=False, on=9)
        dataset = tx.execute(sa.select(dataset_versions.c.dataset_version_id).limit(1)).scalar_one()
        job = NewJob(version=ModelVersion("m002-1.2"), dataset_version_ids=[dataset], hyperparams={})
        job_id = enqueue_job(tx, job, day(5))
        start_job(tx, job_id, day(5))
        fail_job(tx, job_id, "out of memory", day(6))
        jobs = ended_jobs(tx, "m002", START, day(6))
        assert [(one.version, one.status, one.error) for one in jobs] == [("m002-1.2", "failed", "out of memory")]
        assert ended_jobs(tx, "m002", day(6), day(30)) == [] == ended_jobs(tx, "reversal", START, day(30))
        assert len(ended_jobs(tx, "m002", START - timedelta(days=1), START)) == 2
        rows = verdict_rows(tx, "m002", day(1), day(9))
        assert [(row.model_version, row.gate_result) for row in rows] == [("m002-1.1", "fail")]


def test_only_tests_that_were_decided_count(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        trained(tx, "m002-1.1")
        for number, (status, winner, on) in enumerate(
            (("completed", "tie", 8), ("completed", "model_b", 40), ("stopped", None, 9))
        ):
            tx.execute(
                sa.insert(ab_tests).values(
                    id=identity("t", number), test_name="week", model_a_version="m002-1.0", learner="m002",
                    model_b_version="m002-1.1", start_date=day(1), end_date=day(on), status=status, winner=winner,
                )
            )  # fmt: skip
        assert count_tests_decided(tx, "m002", START, day(31)) == 1
        assert count_tests_decided(tx, "m002", day(8), day(40)) == 1


def test_a_retired_version_has_its_reason(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        trained(tx, "m002-1.1")
        promote(tx, ModelVersion("m002-1.1"), judged(tx, "m002-1.1", on=2).eval_id, move(2, "earned more"))
        assert reasons_retired(tx, "m002") == {"m002-1.0": "earned more"}


def test_the_first_days_are_told_once_they_have_passed(ledger: Ledger) -> None:
    def said(on: int) -> NewSignal:
        return NewSignal(
            pair="EURUSD", timeframe="15m", bar_timestamp=day(on), model_version=ModelVersion("m002-1.0"),
            learner="m002", signal="buy", confidence=0.5, features_hash="f", trace_id="t",
        )  # fmt: skip

    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        assert first_signals(tx, "m002", 30, day(90)) is None
        for on in (3, 33, 34):
            record_signals(tx, [said(on)], day(on))
        assert first_signals(tx, "m002", 30, day(32)) is None
        found = first_signals(tx, "m002", 30, day(33))
        assert found is not None and found.height == 2
