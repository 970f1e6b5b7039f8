"""What the database itself refuses, whoever writes to it; and columns to the letter of their specs."""

import pytest
import sqlalchemy as sa

from ledger_world import START, promoted
from pawl.errors import RefusalError
from pawl.ids import ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import POLICIES, ROW_KINDS
from pawl.ledger.inferences import Inference, append_inferences
from pawl.ledger.replay_log import ReplayRow, append_rows, open_replay
from pawl.ledger.tables import APPEND_ONLY, TABLES
from pawl.ledger.training_tables import DATASET_TYPES, EVAL_SCOPES, GATE_RESULTS, JOB_STATES, TRAIN_TYPES

SPECIFIED = {
    "model_inference_logs": "inference_id user_id trace_id model_name model_version model_role prompt_hash "
    "prompt_payload response_payload latency_ms created_at",
    "decision_trajectories": "trajectory_id user_id trace_id source_event_id inference_id context_features "
    "decision_features outcome_features utility_score label_quality created_at",
    "ml_dataset_versions": "dataset_version_id dataset_type window_start window_end sample_count filters "
    "quality_report created_at",
    "ml_train_jobs": "train_job_id train_type model_role base_model target_model_version dataset_version_ids "
    "hyperparams status started_at finished_at artifacts",
    "ml_eval_reports": "eval_id train_job_id model_version eval_scope metrics gate_result created_at",
    "model_versions": "id version name description model_type parent_version trained_at training_log_id is_active "
    "deployed_at production_predictions production_win_rate production_avg_pnl production_sharpe_ratio "
    "stage1_model_path stage2_model_path scaler_path features_path metadata_path deprecated_at deprecated_reason "
    "created_at updated_at",
    "model_training_log": "id model_version training_type data_start_date data_end_date num_samples "
    "training_duration_seconds train_samples val_samples test_samples hyperparameters train_loss val_loss test_loss "
    "train_accuracy val_accuracy test_accuracy precision recall f1_score backtest_win_rate backtest_sharpe_ratio "
    "backtest_max_drawdown backtest_total_pnl status error_message model_path scaler_path metadata_path created_at "
    "updated_at",
}


@pytest.mark.parametrize("table", SPECIFIED)
def test_columns_of_the_specs_are_there_to_the_letter(ledger: Ledger, table: str) -> None:
    with ledger.reading() as tx:
        found = [column["name"] for column in sa.inspect(tx).get_columns(table)]
    wanted = SPECIFIED[table].split()
    assert found[: len(wanted)] == wanted


@pytest.mark.parametrize(
    ("index", "table"),
    [
        ("idx_training_log_version", "ml_train_jobs"),
        ("idx_training_log_created", "ml_train_jobs"),
        ("idx_model_versions_active", "model_versions"),
        ("idx_model_versions_created", "model_versions"),
    ],
)
def test_the_named_indexes_stand_on_their_base_tables(ledger: Ledger, index: str, table: str) -> None:
    with ledger.reading() as tx:
        found = sa.text("SELECT tbl_name FROM sqlite_master WHERE type = 'index' AND name = :name")
        assert tx.execute(found, {"name": index}).scalar_one() == table


@pytest.mark.parametrize(
    ("table", "column", "values"),
    [
        ("ml_dataset_versions", "dataset_type", DATASET_TYPES),
        ("ml_train_jobs", "train_type", TRAIN_TYPES),
        ("ml_train_jobs", "status", JOB_STATES),
        ("ml_eval_reports", "eval_scope", EVAL_SCOPES),
        ("ml_eval_reports", "gate_result", GATE_RESULTS),
        ("replay_log", "policy", POLICIES),
        ("replay_log", "kind", ROW_KINDS),
    ],
)
def test_a_value_outside_its_set_is_refused(ledger: Ledger, table: str, column: str, values: tuple[str, ...]) -> None:
    with ledger.reading() as tx:
        declared = tx.execute(sa.text(f"SELECT sql FROM sqlite_master WHERE name = '{table}'")).scalar_one()
    wanted = ", ".join(f"'{value}'" for value in values)
    assert f"ck_{table}_{column} CHECK ({column} IN ({wanted}))" in declared


def test_every_learner_related_table_names_its_learner() -> None:
    without = {table.name for table in TABLES if "learner" not in table.c}
    assert without == {"replays"}


def fill(ledger: Ledger) -> None:
    """One row at least in every append-only table."""
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        replay = open_replay(tx, {"seed": 1}, START)
        row = ReplayRow(virtual_time=START, learner="m002", policy="gated", ticker="X", kind="decision", payload={})
        append_rows(tx, replay, [row], START)
        inference = Inference(
            inference_id=replay, trace_id="t", model_version=ModelVersion("m002-1.0"), learner="m002",
            prompt_hash="", prompt_payload={}, response_payload={}, created_at=START,
        )  # fmt: skip
        append_inferences(tx, [inference])


@pytest.mark.parametrize("table", [table.name for table in APPEND_ONLY])
def test_an_append_only_table_refuses_every_change(ledger: Ledger, table: str) -> None:
    fill(ledger)
    changes = [
        f"UPDATE {table} SET learner = learner",
        f"DELETE FROM {table}",
        f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
    ]
    for change in changes:
        with pytest.raises(RefusalError, match=f"{table} is append-only"), ledger.transaction() as tx:
            tx.execute(sa.text(change))
