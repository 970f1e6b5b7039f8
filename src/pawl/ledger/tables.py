"""Every table of the ledger, registered in one `MetaData`."""

from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.chain_tables import chain_heads
from pawl.ledger.decision_tables import decision_trajectories, inference_logs, replay_log, replays
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.live_tables import live_log, market_data, trade_marks, user_trading_history
from pawl.ledger.loop_tables import loop_outbox
from pawl.ledger.measured_tables import measured_figures
from pawl.ledger.metadata import METADATA
from pawl.ledger.monthly_tables import monthly_selections
from pawl.ledger.pair_tables import preference_pairs
from pawl.ledger.personal_tables import personal_data
from pawl.ledger.rollout_tables import rollout_moves, rollouts
from pawl.ledger.service_tables import (
    api_tokens,
    corpus_documents,
    dead_letters,
    schedule_runs,
    user_reports,
    worker_heartbeats,
)
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.trade_tables import pnl_entries, quick_trades, tracked_signals
from pawl.ledger.training_tables import dataset_versions, eval_reports, train_jobs
from pawl.ledger.trigger_tables import trigger_firings
from pawl.ledger.version_tables import deployment_log, model_versions, version_numbers

__all__ = ["APPEND_ONLY", "METADATA", "TABLES"]

APPEND_ONLY = (
    dataset_versions,
    eval_reports,
    version_numbers,
    deployment_log,
    inference_logs,
    replay_log,
    preference_pairs,
    pnl_entries,
    corpus_documents,
    rollout_moves,
    monthly_selections,
    market_data,
    live_log,
)
"""The database itself refuses to change or delete a row of these."""

TABLES = (
    *APPEND_ONLY,
    train_jobs,
    model_versions,
    decision_trajectories,
    replays,
    event_outbox,
    tracked_signals,
    quick_trades,
    ab_tests,
    trading_signals,
    rollouts,
    user_trading_history,
    trade_marks,
    personal_data,
    chain_heads,
    api_tokens,
    dead_letters,
    schedule_runs,
    worker_heartbeats,
    user_reports,
    loop_outbox,
    trigger_firings,
    measured_figures,
)
