"""The one table that says who a user is. Every other table knows a user by a pseudonymous `user_id` alone."""

import sqlalchemy as sa

from pawl.ledger.column_types import UtcTime, new_uuid, utc_now
from pawl.ledger.metadata import METADATA

__all__ = ["personal_data"]

personal_data = sa.Table(
    "personal_data",
    METADATA,
    sa.Column("user_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("wallet", sa.Text, unique=True),
    sa.Column("email", sa.Text, unique=True),
    sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.Column("updated_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.CheckConstraint("wallet IS NOT NULL OR email IS NOT NULL", name="somebody"),
)
"""user_id is random: one that followed from the wallet would give it away. No other table refers to this one, so that a
row can be deleted and what was learnt stays, of nobody."""
