"""Training and evaluation, apart in time: by a gap as long as the longest hold, and a trace on one side alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from pawl.datasets.passport_settings import DatasetSettings
from pawl.market.bars import UTC_TIME

__all__ = ["EVAL", "TRAIN", "TimeSplit", "split_by_time"]

TRAIN = "train"
EVAL = "eval"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSplit:
    """rows: with `split`, null for those in the gap. boundary: the first decision of the evaluation side; None where
    there are no rows.
    """

    rows: pl.DataFrame
    boundary: datetime | None
    gap_sec: float
    n_train: int
    n_eval: int
    n_gap: int


def split_by_time(rows: pl.DataFrame, settings: DatasetSettings) -> TimeSplit:
    """The newest `eval_share` of the rows for evaluation, the others for training, and those between on neither side.

    rows: decided_at, outcome_at, hold_sec, horizon_sec, trace_id; none of them null. The gap is the longest hold or
    horizon among them, or `min_gap_hours` where that is longer. A training row was decided before the gap, and its
    outcome was recorded before the first decision of the evaluation. A trace that would stand on both sides keeps its
    earlier one.
    """
    if rows.is_empty():
        empty = rows.with_columns(split=pl.lit(None, pl.String))
        return TimeSplit(rows=empty, boundary=None, gap_sec=0.0, n_train=0, n_eval=0, n_gap=0)
    decided = rows.get_column("decided_at")
    boundary = decided.sort()[min(int(rows.height * (1 - settings.eval_share)), rows.height - 1)]
    longest = rows.select(pl.max_horizontal(pl.col("hold_sec").max(), pl.col("horizon_sec").max())).item()
    gap = max(timedelta(hours=settings.min_gap_hours), timedelta(seconds=longest))
    first = pl.lit(boundary, UTC_TIME)
    is_train = (pl.col("decided_at") < pl.lit(boundary - gap, UTC_TIME)) & (pl.col("outcome_at") < first)
    sides = rows.with_columns(
        split=pl.when(pl.col("decided_at") >= first).then(pl.lit(EVAL)).when(is_train).then(pl.lit(TRAIN))
    )
    if rows.get_column("trace_id").n_unique() < rows.height:
        was_earlier = (pl.col("split") != EVAL).fill_null(value=True).any().over("trace_id")
        sides = sides.with_columns(split=pl.when((pl.col("split") == TRAIN) | ~was_earlier).then("split"))
    counts = dict(sides.group_by("split").len().iter_rows())
    return TimeSplit(
        rows=sides,
        boundary=boundary,
        gap_sec=gap.total_seconds(),
        n_train=counts.get(TRAIN, 0),
        n_eval=counts.get(EVAL, 0),
        n_gap=counts.get(None, 0),
    )
