"""Tables of the rollouts: where each candidate stands, and every step it took."""

import sqlalchemy as sa

from pawl.gates.rollout_state import Status
from pawl.ledger.column_types import CanonicalJson, UtcTime
from pawl.ledger.metadata import METADATA, is_one_of
from pawl.ledger.number_types import Real

__all__ = ["ROLLOUT_STATES", "rollout_moves", "rollouts"]

ROLLOUT_STATES = tuple(status.value for status in Status)

rollouts = sa.Table(
    "rollouts",
    METADATA,
    sa.Column("rollout_id", sa.Uuid, primary_key=True),
    sa.Column("learner", sa.Text, nullable=False),
    sa.Column("rollout_number", sa.Integer, nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("candidate", sa.String(50), sa.ForeignKey("model_versions.version"), nullable=False),
    sa.Column("champion", sa.String(50), sa.ForeignKey("model_versions.version"), nullable=False),
    sa.Column("stage", sa.Integer, nullable=False),
    sa.Column("share", Real, nullable=False),
    sa.Column("entered_at", UtcTime, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("ab_test_id", sa.Uuid, sa.ForeignKey("model_ab_test.id")),
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("updated_at", UtcTime, nullable=False),
    sa.UniqueConstraint("learner", "rollout_number"),
    is_one_of("status", ROLLOUT_STATES),
    sa.CheckConstraint("candidate <> champion", name="versions"),
    sa.CheckConstraint("stage >= 0", name="stage"),
    sa.CheckConstraint("share BETWEEN 0 AND 1", name="share"),
    sa.CheckConstraint("status IN ('running', 'promoted') OR share = 0", name="out_of_trading"),
    sa.CheckConstraint("reason <> ''", name="reason"),
    sa.CheckConstraint("started_at <= entered_at AND entered_at <= updated_at", name="times"),
    sa.Index(
        "uq_rollouts_running",
        "learner",
        unique=True,
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    ),
    sa.Index("ix_rollouts_candidate", "candidate"),
)
"""At most one runs a learner. stage: index in the plan. share: of the traffic that the candidate acts for now; an ended
rollout has none, unless its candidate serves. ab_test_id: of the test that is, or was, its stage."""

rollout_moves = sa.Table(
    "rollout_moves",
    METADATA,
    sa.Column("move_id", sa.Uuid, primary_key=True),
    sa.Column("rollout_id", sa.Uuid, sa.ForeignKey("rollouts.rollout_id"), nullable=False),
    sa.Column("move_number", sa.Integer, nullable=False),
    sa.Column("learner", sa.Text, nullable=False),
    sa.Column("moved_at", UtcTime, nullable=False),
    sa.Column("moved_by", sa.Text, nullable=False),
    sa.Column("from_stage", sa.Text),
    sa.Column("to_stage", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("evidence", CanonicalJson, nullable=False),
    sa.Column("eval_id", sa.Uuid, sa.ForeignKey("ml_eval_reports.eval_id")),
    sa.Column("deployment_id", sa.Uuid, sa.ForeignKey("deployment_log.deployment_id")),
    sa.UniqueConstraint("rollout_id", "move_number"),
    is_one_of("status", ROLLOUT_STATES),
    sa.CheckConstraint("(from_stage IS NULL) = (move_number = 1)", name="from_stage"),
    sa.CheckConstraint("reason <> '' AND moved_by <> ''", name="reason"),
)
"""Append-only: every step of a rollout, numbered from 1, its beginning. moved_by: `pawl`, or who did it by hand.
eval_id: of the verdict it recorded. deployment_id: of the move of the alias that was part of it."""
