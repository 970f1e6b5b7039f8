"""Which rows a dataset may hold: decided inside its window, on what was known before, and finished before its cut."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pawl.market.bars import UTC_TIME

__all__ = ["Eligible", "Window", "eligible_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Decisions from `start` to before `end`. cut_at: the instant of the cut; outcomes are final before it."""

    start: datetime
    end: datetime
    cut_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligible:
    """The rows, in their order, and the others: each counted once, under the first reason that holds."""

    rows: pl.DataFrame
    n_outside: int
    n_later_information: int
    n_unfinished: int


def eligible_rows(rows: pl.DataFrame, window: Window) -> Eligible:
    """The rows of a window that hold nothing later than their decision, and whose outcome was final before the cut.

    rows: decided_at; known_at, the newest instant at which anything in the prompt became known; outcome_at, the instant
    at which the outcome was final (null: it is not). Later information: known_at is not strictly before decided_at, or
    not known, or the outcome was final before the decision was taken.
    """
    decided = pl.col("decided_at")
    start, end, cut_at = (pl.lit(instant, UTC_TIME) for instant in (window.start, window.end, window.cut_at))
    is_inside = (decided >= start) & (decided < end)
    is_blind = (pl.col("known_at") < decided) & (pl.col("outcome_at") >= decided).fill_null(value=True)
    reason = (
        pl.when(~is_inside.fill_null(value=False))
        .then(pl.lit("outside"))
        .when(~is_blind.fill_null(value=False))
        .then(pl.lit("later_information"))
        .when(~(pl.col("outcome_at") < cut_at).fill_null(value=False))
        .then(pl.lit("unfinished"))
    )
    reasons = rows.select(reason.alias("reason")).to_series()
    counts = dict(reasons.drop_nulls().to_frame().group_by("reason").len().iter_rows())
    return Eligible(
        rows=rows.filter(reasons.is_null()),
        n_outside=counts.get("outside", 0),
        n_later_information=counts.get("later_information", 0),
        n_unfinished=counts.get("unfinished", 0),
    )
