"""What the database itself refuses, whoever writes to it; and columns to the letter of their specs."""

import re

import pytest
import sqlalchemy as sa

from ledger_world import START, day, fill_user_tables, promoted
from pawl.errors import RefusalError
from pawl.ids import ModelVersion
from pawl.ledger.ab_tables import AB_STATES, WINNERS
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import LABEL_QUALITIES, POLICIES, ROW_KINDS
from pawl.ledger.inferences import Inference, append_inferences
from pawl.ledger.live_tables import LIVE_KINDS
from pawl.ledger.loop_tables import TOPICS
from pawl.ledger.metadata import MODEL_ROLES
from pawl.ledger.pair_tables import PAIR_QUALITIES
from pawl.ledger.replay_log import ReplayRow, append_rows, open_replay
from pawl.ledger.service_tables import LETTER_STATES, REPORT_STATES, corpus_documents
from pawl.ledger.signal_tables import ACTUAL_OUTCOMES, OUTCOME_SOURCES, SIGNALS
from pawl.ledger.tables import APPEND_ONLY, METADATA, TABLES
from pawl.ledger.trade_tables import DIRECTIONS, SIDES, SIGNAL_STATES, TRADE_STATES
from pawl.ledger.training_tables import (
    DATASET_TYPES,
    EVAL_SCOPES,
    GATE_RESULTS,
    JOB_STATES,
    TRAIN_TYPES,
    TRAINING_TYPES,
)  # fmt: skip
from pawl.ledger.version_tables import MOVES, VERSION_STATES

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
    "ml_preference_pairs": "pair_id dataset_version_id user_id trace_id prompt chosen rejected margin_score "
    "pair_quality created_at",
    "passport_event_outbox": "event_id user_id trace_id inference_id source_table source_event_id event_type payload "
    "occurred_at recorded_at processed_at attempts",
    "model_ab_test": "id test_name model_a_version model_b_version traffic_split start_date end_date "
    "model_a_predictions model_b_predictions model_a_win_rate model_b_win_rate model_a_avg_pnl model_b_avg_pnl p_value "
    "is_significant winner status created_at updated_at",
    "trading_signals": "id pair timeframe signal confidence created_at updated_at actual_outcome actual_pnl "
    "actual_pnl_percent model_version ab_test_id bar_timestamp features_hash resolved_at outcome_source",
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
        ("idx_ab_test_status", "model_ab_test"),
        ("idx_signals_model_version", "trading_signals"),
        ("ix_decision_trajectories_trace_id", "decision_trajectories"),
        ("ix_decision_trajectories_user_id_created_at", "decision_trajectories"),
        ("ix_model_inference_logs_user_id_created_at", "model_inference_logs"),
        ("ix_ml_preference_pairs_trace_id", "ml_preference_pairs"),
        ("ix_ml_preference_pairs_user_id_created_at", "ml_preference_pairs"),
        ("ix_ml_eval_reports_model_version_eval_scope", "ml_eval_reports"),
        ("ix_ml_train_jobs_status", "ml_train_jobs"),
    ],
)
def test_the_named_indexes_stand_on_their_base_tables(ledger: Ledger, index: str, table: str) -> None:
    with ledger.reading() as tx:
        assert index in {one["name"] for one in sa.inspect(tx).get_indexes(table)}


@pytest.mark.parametrize(
    ("table", "column", "values"),
    [
        ("ml_dataset_versions", "dataset_type", DATASET_TYPES),
        ("ml_train_jobs", "train_type", TRAIN_TYPES),
        ("ml_train_jobs", "status", JOB_STATES),
        ("ml_eval_reports", "eval_scope", EVAL_SCOPES),
        ("ml_eval_reports", "gate_result", GATE_RESULTS),
        ("ml_train_jobs", "model_role", MODEL_ROLES),
        ("ml_train_jobs", "training_type", TRAINING_TYPES),
        ("ml_eval_reports", "model_role", MODEL_ROLES),
        ("model_inference_logs", "model_role", MODEL_ROLES),
        ("decision_trajectories", "label_quality", LABEL_QUALITIES),
        ("ml_preference_pairs", "pair_quality", PAIR_QUALITIES),
        ("model_versions", "role", MODEL_ROLES),
        ("model_versions", "model_type", TRAINING_TYPES),
        ("model_versions", "status", VERSION_STATES),
        ("deployment_log", "what", MOVES),
        ("tracked_signals", "direction", DIRECTIONS),
        ("tracked_signals", "status", SIGNAL_STATES),
        ("quick_trades", "side", SIDES),
        ("quick_trades", "status", TRADE_STATES),
        ("model_ab_test", "winner", WINNERS),
        ("model_ab_test", "status", AB_STATES),
        ("trading_signals", "signal", SIGNALS),
        ("trading_signals", "actual_outcome", ACTUAL_OUTCOMES),
        ("trading_signals", "outcome_source", OUTCOME_SOURCES),
        ("live_log", "kind", LIVE_KINDS),
        ("dead_letters", "status", LETTER_STATES),
        ("user_reports", "status", REPORT_STATES),
        ("loop_outbox", "topic", TOPICS),
        ("replay_log", "policy", POLICIES),
        ("replay_log", "kind", ROW_KINDS),
    ],
)
def test_a_value_outside_its_set_is_refused(ledger: Ledger, table: str, column: str, values: tuple[str, ...]) -> None:
    with ledger.reading() as tx:
        declared = {one["name"]: one["sqltext"] for one in sa.inspect(tx).get_check_constraints(table)}
    check = declared[f"ck_{table}_{column}"]
    assert column in check
    assert re.findall("'([^']*)'", check) == list(values)


def test_every_learner_related_table_names_its_learner() -> None:
    without = {table.name for table in TABLES if "learner" not in table.c}
    of_users = {
        "passport_event_outbox", "tracked_signals", "quick_trades", "pnl_entries", "personal_data", "api_tokens",
        "user_reports", "user_trading_history",
    }  # fmt: skip
    of_the_service = {
        "dead_letters",
        "schedule_runs",
        "worker_heartbeats",
        "chain_heads",
        "corpus_documents",
        "loop_outbox",
    }
    assert without == {"replays", "market_data"} | of_users | of_the_service


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
        fill_user_tables(tx)
        text = {"source": "here", "licence": "MIT", "licence_checked_at": day(1), "content": "a text"}
        tx.execute(sa.insert(corpus_documents).values(**text, content_hash="c" * 64))


@pytest.mark.parametrize("table", [table.name for table in APPEND_ONLY])
def test_an_append_only_table_refuses_every_change(ledger: Ledger, table: str) -> None:
    fill(ledger)
    column = next(iter(METADATA.tables[table].primary_key)).name
    last = {
        "sqlite": f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
        "postgresql": f"TRUNCATE {table} CASCADE",
    }[ledger.engine.dialect.name]
    for change in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", last):
        with pytest.raises(RefusalError, match="is append-only"), ledger.transaction() as tx:
            tx.execute(sa.text(change))
