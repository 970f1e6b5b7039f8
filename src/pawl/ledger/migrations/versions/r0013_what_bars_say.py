"""What the bars say of a signal, beside what a user made of it: two versions are compared on the same ground."""

import sqlalchemy as sa
from alembic import op

from pawl.ledger.column_types import UtcTime
from pawl.ledger.number_types import Real

__all__ = ["downgrade", "upgrade"]

revision = "r0013"
down_revision = "r0012"

TABLE = "trading_signals"
OPEN = "ix_trading_signals_open"


def upgrade() -> None:
    """Make the columns; an outcome that came from the bars is what they say."""
    for name, kind in (("virtual_outcome", sa.Text), ("virtual_pnl", Real), ("virtual_at", UtcTime)):
        op.add_column(TABLE, sa.Column(name, kind))
    op.execute(
        f"UPDATE {TABLE} SET virtual_outcome = actual_outcome, virtual_pnl = actual_pnl, virtual_at = resolved_at "
        "WHERE outcome_source = 'virtual'"
    )
    op.create_index("ix_trading_signals_virtual_at", TABLE, ["virtual_at"])
    _index_the_open("signal <> 'hold' AND (actual_outcome IS NULL OR virtual_outcome IS NULL)")


def downgrade() -> None:
    """Take them away; where a user traded, what the bars said is lost."""
    _index_the_open("actual_outcome IS NULL AND signal <> 'hold'")
    op.drop_index("ix_trading_signals_virtual_at", TABLE)
    for name in ("virtual_at", "virtual_pnl", "virtual_outcome"):
        op.drop_column(TABLE, name)


def _index_the_open(condition: str) -> None:
    where = sa.text(condition)
    op.drop_index(OPEN, TABLE)
    op.create_index(OPEN, TABLE, ["learner"], sqlite_where=where, postgresql_where=where)
