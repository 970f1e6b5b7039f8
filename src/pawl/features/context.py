"""What has been going on: how often an event came lately, and how long ago the last one was."""

import polars as pl

from pawl.features import rolling
from pawl.features.events import event_volume_regain
from pawl.features.feature import FeatureKind, feature

__all__ = ["days_since_volume_regain", "event_volume_regain_freq20"]


@feature(reads={event_volume_regain: 20}, unit="count", kind=FeatureKind.COUNT)
def event_volume_regain_freq20() -> pl.Expr:
    """Volume regains in the last 20 bars."""
    return rolling.count(pl.col("event_volume_regain"), 20)


@feature(reads={event_volume_regain: 60}, unit="rows", kind=FeatureKind.COUNT)
def days_since_volume_regain() -> pl.Expr:
    """Bars since the last volume regain: 0 on its day, at most 60, and 60 when none was seen."""
    return rolling.rows_since(pl.col("event_volume_regain"), cap=60)
