"""The table of what a loop has measured of itself: the newest look of each learner, for whoever watches it."""

import sqlalchemy as sa

from pawl.ledger.column_types import CanonicalJson, UtcTime
from pawl.ledger.metadata import METADATA

__all__ = ["measured_figures"]

measured_figures = sa.Table(
    "measured_figures",
    METADATA,
    sa.Column("learner", sa.Text, primary_key=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("figures", CanonicalJson, nullable=False),
)
"""One row a learner, written over at every look. at: the instant of the look, as the loop's clock says."""
