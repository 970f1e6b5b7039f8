"""Columns, types, defaults and keys to the letter of the specs, on each database in its own words."""

import re

import pytest
import sqlalchemy as sa

from ledger_world import fill_user_tables, promoted
from pawl.errors import RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.inferences import append_inferences, append_trajectories
from recorded_decision import INFERENCE, TRAJECTORY

# column: type, `null` where it may be NULL, `=` and its default.
PASSPORT = {
    "model_inference_logs": """
        inference_id: uuid =random; user_id: uuid; trace_id: text; model_name: text; model_version: text;
        model_role: text; prompt_hash: text; prompt_payload: jsonb; response_payload: jsonb; latency_ms: int;
        created_at: timestamptz =now""",
    "decision_trajectories": """
        trajectory_id: uuid =random; user_id: uuid; trace_id: text; source_event_id: uuid; inference_id: uuid null;
        context_features: jsonb; decision_features: jsonb; outcome_features: jsonb null;
        utility_score: numeric(12,4) null; label_quality: text ='pending'; created_at: timestamptz =now""",
    "ml_dataset_versions": """
        dataset_version_id: uuid =random; dataset_type: text; window_start: timestamptz; window_end: timestamptz;
        sample_count: int; filters: jsonb; quality_report: jsonb; created_at: timestamptz =now""",
    "ml_preference_pairs": """
        pair_id: uuid =random; dataset_version_id: uuid; user_id: uuid; trace_id: text; prompt: jsonb; chosen: jsonb;
        rejected: jsonb; margin_score: numeric(12,4); pair_quality: text; created_at: timestamptz =now""",
    "ml_train_jobs": """
        train_job_id: uuid =random; train_type: text; model_role: text; base_model: text; target_model_version: text;
        dataset_version_ids: uuid[]; hyperparams: jsonb; status: text ='queued'; started_at: timestamptz null;
        finished_at: timestamptz null; artifacts: jsonb ='{}'""",
    "ml_eval_reports": """
        eval_id: uuid =random; train_job_id: uuid; model_version: text; eval_scope: text; metrics: jsonb;
        gate_result: text; created_at: timestamptz =now""",
}
OUTBOX = {
    "passport_event_outbox": """
        event_id: uuid =random; user_id: uuid; trace_id: text; inference_id: uuid null; source_table: text;
        source_event_id: uuid; event_type: text; payload: jsonb; occurred_at: timestamptz;
        recorded_at: timestamptz =now; processed_at: timestamptz null; attempts: int =0"""
}
REVERSAL = {
    "model_ab_test": """
        id: uuid =random; test_name: varchar(100); model_a_version: varchar(50); model_b_version: varchar(50);
        traffic_split: numeric(3,2) =0.5; start_date: timestamptz; end_date: timestamptz null;
        model_a_predictions: int =0; model_b_predictions: int =0; model_a_win_rate: numeric(5,4) null;
        model_b_win_rate: numeric(5,4) null; model_a_avg_pnl: numeric(10,2) null; model_b_avg_pnl: numeric(10,2) null;
        p_value: numeric(6,5) null; is_significant: bool =false; winner: varchar(50) null; status: text ='running';
        created_at: timestamptz =now; updated_at: timestamptz =now""",
    "model_versions": """
        id: uuid =random; version: varchar(50); name: varchar(100); description: text null; model_type: text;
        parent_version: varchar(50) null; trained_at: timestamptz; training_log_id: uuid null; is_active: bool =false;
        deployed_at: timestamptz null; production_predictions: int =0; production_win_rate: numeric(5,4) null;
        production_avg_pnl: numeric(10,2) null; production_sharpe_ratio: numeric(6,4) null;
        stage1_model_path: varchar(255) null; stage2_model_path: varchar(255) null; scaler_path: varchar(255) null;
        features_path: varchar(255) null; metadata_path: varchar(255) null; deprecated_at: timestamptz null;
        deprecated_reason: text null; created_at: timestamptz =now; updated_at: timestamptz =now""",
    "ml_train_jobs": """
        created_at: timestamptz =now; updated_at: timestamptz =now; training_type: text null; num_samples: int null;
        train_loss: numeric(10,6) null; train_accuracy: numeric(5,4) null; f1_score: numeric(5,4) null;
        backtest_win_rate: numeric(5,4) null; backtest_sharpe_ratio: numeric(6,4) null;
        backtest_max_drawdown: numeric(6,4) null; backtest_total_pnl: numeric(12,2) null; error_message: text null;
        model_path: varchar(255) null; scaler_path: varchar(255) null; metadata_path: varchar(255) null""",
}
TYPES = {
    "postgresql": {"int": "INTEGER", "bool": "BOOLEAN", "timestamptz": "TIMESTAMP WITH TIME ZONE"},
    "sqlite": {"int": "INTEGER", "bool": "BOOLEAN", "timestamptz": "VARCHAR(27)", "uuid": "CHAR(32)",
               "jsonb": "TEXT", "uuid[]": "TEXT"},
}  # fmt: skip
DEFAULTS = {
    "postgresql": {"random": "gen_random_uuid()", "now": "now()"},
    "sqlite": {"random": "randomblob", "now": "strftime", "false": "0"},
}
UNIQUE = {
    "model_inference_logs": [("inference_id",), ("trace_id", "model_role", "created_at")],
    "decision_trajectories": [("source_event_id",), ("trajectory_id",)],
    "ml_dataset_versions": [("dataset_version_id",)],
    "ml_preference_pairs": [("pair_id",)],
    "ml_train_jobs": [("train_job_id",)],
    "ml_eval_reports": [("eval_id",), ("model_version", "report_number")],
}
REFERENCES = {
    "ml_preference_pairs": ("dataset_version_id", "ml_dataset_versions"),
    "ml_eval_reports": ("train_job_id", "ml_train_jobs"),
    "decision_trajectories": ("inference_id", "model_inference_logs"),
}
# As the specs list them; `supervised` is the one value that was added.
VALUES = {
    ("model_inference_logs", "model_role"): "policy analyst",
    ("decision_trajectories", "label_quality"): "pending good bad ambiguous",
    ("ml_dataset_versions", "dataset_type"): "pretrain sft orpo supervised",
    ("ml_preference_pairs", "pair_quality"): "high medium low",
    ("ml_train_jobs", "train_type"): "pretrain sft orpo retrain",
    ("ml_train_jobs", "model_role"): "policy analyst",
    ("ml_train_jobs", "status"): "queued running failed succeeded",
    ("ml_eval_reports", "eval_scope"): "offline shadow canary",
    ("ml_eval_reports", "gate_result"): "pass fail",
}
REVERSAL_VALUES = {
    ("ml_train_jobs", "training_type"): "full incremental",
    ("model_versions", "model_type"): "full incremental",
    ("model_ab_test", "winner"): "model_a model_b tie",
    ("model_ab_test", "status"): "running completed stopped",
}


def values(ledger: Ledger, table: str, column: str) -> str:
    """The value set of a column, as the database holds it."""
    with ledger.reading() as tx:
        checks = {one["name"]: one["sqltext"] for one in sa.inspect(tx).get_check_constraints(table)}
    return " ".join(re.findall("'([^']*)'", checks[f"ck_{table}_{column}"]))


def wrong_columns(ledger: Ledger, table: str, spec: str) -> list[str]:
    """What differs between a table and its specification, in words."""
    dialect = ledger.engine.dialect
    with ledger.reading() as tx:
        found = {column["name"]: column for column in sa.inspect(tx).get_columns(table)}
    wrong = []
    for line in " ".join(spec.split()).split("; "):
        name, kind, nullable, default = re.fullmatch(r"(\w+): ([^ ]+)( null)?(?: =(.+))?", line).groups()
        column = found[name]
        stored = column["type"].compile(dialect).replace(", ", ",")
        is_default = column["default"] is None if default is None else (
            DEFAULTS[dialect.name].get(default, default) in (column["default"] or "")
        )  # fmt: skip
        if stored != TYPES[dialect.name].get(kind, kind.upper()):
            wrong.append(f"{name} is {stored}")
        if column["nullable"] is not bool(nullable):
            wrong.append(f"{name} may be NULL: {column['nullable']}")
        if not is_default:
            wrong.append(f"{name} has the default {column['default']}")
    return wrong


@pytest.mark.parametrize("table", PASSPORT)
def test_pass_r10_the_six_tables_have_their_columns_types_and_defaults(ledger: Ledger, table: str) -> None:
    assert wrong_columns(ledger, table, PASSPORT[table]) == []


@pytest.mark.parametrize("table", PASSPORT)
def test_pass_r10_the_six_tables_have_their_unique_keys_and_references(ledger: Ledger, table: str) -> None:
    with ledger.reading() as tx:
        inspector = sa.inspect(tx)
        keys = [tuple(one["column_names"]) for one in inspector.get_unique_constraints(table)]
        keys.append(tuple(inspector.get_pk_constraint(table)["constrained_columns"]))
        to = {(one["constrained_columns"][0], one["referred_table"]) for one in inspector.get_foreign_keys(table)}
    assert sorted(keys) == UNIQUE[table]
    assert to == ({REFERENCES[table]} if table in REFERENCES else set())


@pytest.mark.parametrize(("table", "column"), VALUES)
def test_pass_r10_the_value_sets_are_those_of_the_spec(ledger: Ledger, table: str, column: str) -> None:
    assert values(ledger, table, column) == VALUES[table, column]


@pytest.mark.parametrize(("table", "column"), REVERSAL_VALUES)
def test_rev_r38_the_value_sets_are_those_of_the_spec(ledger: Ledger, table: str, column: str) -> None:
    assert values(ledger, table, column) == REVERSAL_VALUES[table, column]


@pytest.mark.parametrize(("table", "column"), VALUES)
def test_pass_r10_an_unknown_text_is_refused(ledger: Ledger, table: str, column: str) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        append_inferences(tx, [INFERENCE])
        append_trajectories(tx, [TRAJECTORY])
        fill_user_tables(tx)
        names = [one["name"] for one in sa.inspect(tx).get_columns(table)]
    others = ", ".join("'excellent'" if name == column else name for name in names)
    odd = f"INSERT INTO {table} ({', '.join(names)}) SELECT {others} FROM {table} LIMIT 1"
    with pytest.raises(RefusalError, match=f"ck_{table}_"), ledger.transaction() as tx:
        tx.execute(sa.text(odd))


def test_the_outbox_is_to_the_letter(ledger: Ledger) -> None:
    assert wrong_columns(ledger, "passport_event_outbox", OUTBOX["passport_event_outbox"]) == []


@pytest.mark.parametrize("table", REVERSAL)
def test_rev_r38_tables_of_trainings_tests_and_versions_are_to_the_letter(ledger: Ledger, table: str) -> None:
    assert wrong_columns(ledger, table, REVERSAL[table]) == []


def test_rev_r38_the_six_indexes_stand(ledger: Ledger) -> None:
    tables = ("ml_train_jobs", "model_ab_test", "model_versions", "trading_signals")
    with ledger.reading() as tx:
        found = {one["name"] for table in tables for one in sa.inspect(tx).get_indexes(table)}
    assert found >= {
        "idx_training_log_version", "idx_training_log_created", "idx_ab_test_status", "idx_model_versions_active",
        "idx_model_versions_created", "idx_signals_model_version",
    }  # fmt: skip


def test_rev_r38_there_is_no_enum_on_postgresql(postgresql_ledger: Ledger) -> None:
    with postgresql_ledger.reading() as tx:
        assert sa.inspect(tx).get_enums() == []
