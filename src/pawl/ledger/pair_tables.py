"""The table of preference pairs: of two actions in one context, the better one and the other."""

import sqlalchemy as sa

from pawl.ledger.column_types import CanonicalJson, UtcTime, new_uuid, utc_now
from pawl.ledger.metadata import METADATA, is_one_of
from pawl.ledger.number_types import Fixed

__all__ = ["PAIR_QUALITIES", "preference_pairs"]

PAIR_QUALITIES = ("high", "medium", "low")

preference_pairs = sa.Table(
    "ml_preference_pairs",
    METADATA,
    sa.Column("pair_id", sa.Uuid, primary_key=True, server_default=new_uuid()),
    sa.Column("dataset_version_id", sa.Uuid, sa.ForeignKey("ml_dataset_versions.dataset_version_id"), nullable=False),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("trace_id", sa.Text, nullable=False),
    sa.Column("prompt", CanonicalJson, nullable=False),
    sa.Column("chosen", CanonicalJson, nullable=False),
    sa.Column("rejected", CanonicalJson, nullable=False),
    sa.Column("margin_score", Fixed(12, 4), nullable=False),
    sa.Column("pair_quality", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False, server_default=utc_now()),
    sa.Column("learner", sa.Text, nullable=False),
    is_one_of("pair_quality", PAIR_QUALITIES),
    sa.Index("ix_ml_preference_pairs_dataset_version_id", "dataset_version_id"),
    sa.Index("ix_ml_preference_pairs_trace_id", "trace_id"),
    sa.Index("ix_ml_preference_pairs_user_id_created_at", "user_id", "created_at"),
)
"""Append-only, as the dataset version that it belongs to. margin_score: utility of chosen less that of rejected."""
