"""The table of A/B tests: two versions that share the decisions of one learner for some days."""

import sqlalchemy as sa

from pawl.ledger.column_types import UtcTime, new_uuid, utc_now
from pawl.ledger.metadata import METADATA, is_one_of
from pawl.ledger.number_types import Fixed

__all__ = ["AB_STATES", "WINNERS", "ab_tests"]

AB_STATES = ("running", "completed", "stopped")
WINNERS = ("model_a", "model_b", "tie")

ab_tests = sa.Table(
    "model_ab_test",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("test_name", sa.String(100), nullable=False),
    sa.Column("model_a_version", sa.String(50), sa.ForeignKey("model_versions.version"), nullable=False),
    sa.Column("model_b_version", sa.String(50), sa.ForeignKey("model_versions.version"), nullable=False),
    sa.Column("traffic_split", Fixed(3, 2), nullable=False, server_default="0.5"),
    sa.Column("start_date", UtcTime, nullable=False),
    sa.Column("end_date", UtcTime),
    sa.Column("model_a_predictions", sa.Integer, nullable=False, server_default="0"),
    sa.Column("model_b_predictions", sa.Integer, nullable=False, server_default="0"),
    sa.Column("model_a_win_rate", Fixed(5, 4)),
    sa.Column("model_b_win_rate", Fixed(5, 4)),
    sa.Column("model_a_avg_pnl", Fixed(10, 2)),
    sa.Column("model_b_avg_pnl", Fixed(10, 2)),
    sa.Column("p_value", Fixed(6, 5)),
    sa.Column("is_significant", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("winner", sa.String(50)),
    sa.Column("status", sa.Text, nullable=False, server_default="running"),
    sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.Column("updated_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.Column("learner", sa.Text, nullable=False),
    is_one_of("winner", WINNERS),
    is_one_of("status", AB_STATES),
    sa.CheckConstraint("model_a_version <> model_b_version", name="versions"),
    sa.CheckConstraint("traffic_split BETWEEN 0 AND 1", name="traffic_split"),
    sa.CheckConstraint("p_value BETWEEN 0 AND 1", name="p_value"),
    sa.CheckConstraint("(winner IS NULL) = (status <> 'completed')", name="decided"),
    sa.CheckConstraint("start_date <= end_date", name="dates"),
    sa.Index("idx_ab_test_status", "status"),
    sa.Index(
        "uq_model_ab_test_running",
        "learner",
        unique=True,
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    ),
)
"""traffic_split: share of A, the version that served. winner: said once, at the end; a stopped test has none. Tests of
one learner do not overlap: at most one runs."""
