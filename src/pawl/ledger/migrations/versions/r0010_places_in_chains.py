"""A row of a chain is found by its place, and not by the hash before it: an index that is written where it ends.

Hashes fall anywhere in an index, and each row that is written turns over a page of its own. That no two rows follow the
same one still holds: no place is taken twice, and a row names the hash that stands at the place before its own.
"""

from alembic import op

from pawl.ledger.migrations.append_only import allow_forks, refuse_forks

__all__ = ["downgrade", "upgrade"]

revision = "r0010"
down_revision = "r0009"

CHAINED = (
    "passport_event_outbox", "model_inference_logs", "decision_trajectories", "pnl_entries", "ml_eval_reports",
)  # fmt: skip


def upgrade() -> None:
    """Exchange the indexes, and let the database look at the place before."""
    for table in CHAINED:
        op.create_index(f"uq_{table}_place", table, ["chain_month", "chain_number"], unique=True)
        op.drop_index(f"uq_{table}_prev_hash", table)
    refuse_forks(op.get_bind(), CHAINED)


def downgrade() -> None:
    """Exchange them back."""
    allow_forks(op.get_bind(), CHAINED)
    for table in CHAINED:
        op.create_index(f"uq_{table}_prev_hash", table, ["prev_hash"], unique=True)
        op.drop_index(f"uq_{table}_place", table)
