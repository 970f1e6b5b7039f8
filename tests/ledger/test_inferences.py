"""Inferences and trajectories are written once, however often they are tried, and lead back to their data."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ledger_world import day, promoted
from pawl.errors import NotFoundError, RefusalError
from pawl.ids import ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import inference_logs
from pawl.ledger.identity import SYSTEM_USER, identity
from pawl.ledger.inferences import append_inferences, append_trajectories, trace
from pawl.ledger.training_tables import dataset_versions, train_jobs
from recorded_decision import INFERENCE, TRAJECTORY


def count(tx: sa.Connection, table: str) -> int:
    return int(tx.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_pass_r11_an_inference_tried_again_is_one_row_and_two_in_one_transaction_are_two(ledger: Ledger) -> None:
    other = replace(INFERENCE, inference_id=identity("inference", 2), trace_id="another")
    with ledger.transaction() as tx:
        append_inferences(tx, [INFERENCE, other])
        append_inferences(tx, [replace(INFERENCE, created_at=day(2), latency_ms=9)])
        assert count(tx, "model_inference_logs") == 2
        of_first = sa.select(inference_logs).where(inference_logs.c.inference_id == INFERENCE.inference_id)
        kept = tx.execute(of_first).one()
    assert (kept.latency_ms, kept.user_id, kept.created_at) == (0, SYSTEM_USER, day(1))


def test_pass_r11_two_of_one_trace_role_and_instant_both_stand_however_often_they_are_tried(ledger: Ledger) -> None:
    both = [
        INFERENCE,
        replace(INFERENCE, inference_id=identity("inference", 2), model_version=ModelVersion("m002-1.1")),
    ]
    with ledger.transaction() as tx:
        append_inferences(tx, both)
    with ledger.transaction() as tx:
        append_inferences(tx, both[::-1])
        append_inferences(tx, [replace(INFERENCE, inference_id=identity("inference", 3))])
        rows = tx.execute(sa.select(inference_logs).order_by(inference_logs.c.created_at)).all()
    assert [row.inference_id for row in rows] == [identity("inference", number) for number in (1, 2, 3)]
    assert [row.created_at - day(1) for row in rows] == [timedelta(microseconds=number) for number in range(3)]


def test_one_decision_event_has_one_trajectory(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        append_inferences(tx, [INFERENCE])
        append_trajectories(tx, [TRAJECTORY])
        append_trajectories(tx, [replace(TRAJECTORY, trajectory_id=identity("trajectory", 2))])
        assert count(tx, "decision_trajectories") == 1


def test_a_trajectory_of_an_unknown_inference_is_refused(ledger: Ledger) -> None:
    with pytest.raises(RefusalError, match=r"(?i)foreign key"), ledger.transaction() as tx:
        append_trajectories(tx, [TRAJECTORY])


def test_a_decision_leads_back_to_the_data_its_model_was_trained_on(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=0)
        append_inferences(tx, [INFERENCE])
        append_trajectories(tx, [TRAJECTORY])
    with ledger.reading() as tx:
        found = trace(tx, INFERENCE.trace_id)
        job = tx.execute(sa.select(train_jobs)).one()
        dataset = tx.execute(sa.select(dataset_versions)).one()
    assert (found.inference_id, found.trajectory_id) == (INFERENCE.inference_id, TRAJECTORY.trajectory_id)
    assert (found.train_job_id, list(found.dataset_version_ids)) == (job.train_job_id, job.dataset_version_ids)
    assert found.dataset_version_ids == (dataset.dataset_version_id,)
    assert (found.model_version, found.decision) == ("m002-1.0", TRAJECTORY.decision_features)


def test_an_unknown_trace_is_named(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError, match="no trace `nobody`"), ledger.reading() as tx:
        trace(tx, "nobody")


def test_nothing_to_write_is_fine(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        append_inferences(tx, [])
        assert count(tx, "model_inference_logs") == 0
