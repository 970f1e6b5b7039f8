"""Inferences and trajectories are written once, however often they are tried, and lead back to their data."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from ledger_world import day, promoted
from pawl.errors import NotFoundError, RefusalError
from pawl.ids import ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.identity import SYSTEM_USER, identity
from pawl.ledger.inferences import Inference, Trajectory, append_inferences, append_trajectories, trace

INFERENCE = Inference(
    inference_id=identity("inference", 1),
    trace_id="m002/gated/BTCUSDT/2024-01-02",
    model_version=ModelVersion("m002-1.0"),
    learner="m002",
    prompt_hash="p" * 64,
    prompt_payload={"ticker": "BTCUSDT"},
    response_payload={"probability": 0.6},
    created_at=day(1),
)
TRAJECTORY = Trajectory(
    trajectory_id=identity("trajectory", 1),
    trace_id=INFERENCE.trace_id,
    source_event_id=identity("event", 1),
    inference_id=INFERENCE.inference_id,
    learner="m002",
    context_features={"volatility": 0.02},
    decision_features={"action": "long", "position_size": 0.5},
    created_at=day(1),
)


def count(tx: sa.Connection, table: str) -> int:
    return int(tx.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_pass_r11_an_inference_tried_again_is_one_row_and_two_in_one_transaction_are_two(ledger: Ledger) -> None:
    other = replace(INFERENCE, inference_id=identity("inference", 2), trace_id="another")
    with ledger.transaction() as tx:
        append_inferences(tx, [INFERENCE, other])
        append_inferences(tx, [replace(INFERENCE, created_at=day(2), latency_ms=9)])
        assert count(tx, "model_inference_logs") == 2
        kept = tx.execute(sa.text("SELECT latency_ms, user_id FROM model_inference_logs LIMIT 1")).one()
    assert kept == (0, SYSTEM_USER.hex)


def test_one_decision_event_has_one_trajectory(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        append_inferences(tx, [INFERENCE])
        append_trajectories(tx, [TRAJECTORY])
        append_trajectories(tx, [replace(TRAJECTORY, trajectory_id=identity("trajectory", 2))])
        assert count(tx, "decision_trajectories") == 1


def test_a_trajectory_of_an_unknown_inference_is_refused(ledger: Ledger) -> None:
    with pytest.raises(RefusalError, match="FOREIGN KEY"), ledger.transaction() as tx:
        append_trajectories(tx, [TRAJECTORY])


def test_a_decision_leads_back_to_the_data_its_model_was_trained_on(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=0)
        append_inferences(tx, [INFERENCE])
        append_trajectories(tx, [TRAJECTORY])
    with ledger.reading() as tx:
        found = trace(tx, INFERENCE.trace_id)
        job, datasets = tx.execute(sa.text("SELECT train_job_id, dataset_version_ids FROM ml_train_jobs")).one()
        dataset = tx.execute(sa.text("SELECT dataset_version_id FROM ml_dataset_versions")).scalar_one()
    assert found.train_job_id is not None
    assert (found.inference_id, found.trajectory_id) == (INFERENCE.inference_id, TRAJECTORY.trajectory_id)
    assert (found.train_job_id.hex, [one.hex for one in found.dataset_version_ids]) == (job, [dataset])
    assert str(found.dataset_version_ids[0]) in datasets
    assert (found.model_version, found.decision) == ("m002-1.0", TRAJECTORY.decision_features)


def test_an_unknown_trace_is_named(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError, match="no trace `nobody`"), ledger.reading() as tx:
        trace(tx, "nobody")


def test_nothing_to_write_is_fine(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        append_inferences(tx, [])
        assert count(tx, "model_inference_logs") == 0
