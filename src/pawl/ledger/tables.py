"""Every table of the ledger, registered in one `MetaData`."""

from pawl.ledger.decision_tables import decision_trajectories, inference_logs, replay_log, replays
from pawl.ledger.metadata import METADATA
from pawl.ledger.training_tables import dataset_versions, eval_reports, train_jobs
from pawl.ledger.version_tables import deployment_log, model_versions, version_numbers

__all__ = ["APPEND_ONLY", "METADATA", "TABLES"]

APPEND_ONLY = (dataset_versions, eval_reports, version_numbers, deployment_log, inference_logs, replay_log)
"""The database itself refuses to change or delete a row of these."""

TABLES = (*APPEND_ONLY, train_jobs, model_versions, decision_trajectories, replays)
