"""How much one version earned more than another on the same bars, day by day, in this workspace's own record."""

from datetime import datetime

import numpy as np
import polars as pl
import sqlalchemy as sa
from numpy.typing import NDArray

from pawl.jobs.live.stage_figures import paired_gains
from pawl.jobs.live.stage_rows import stage_rows
from pawl.ledger.rollouts import list_rollouts

__all__ = ["MIN_RESOLVED", "own_day_gains"]

MIN_RESOLVED = 300
"""Paired outcomes that a workspace needs before its own days tell more than the reference distribution."""


def own_day_gains(tx: sa.Connection, now: datetime) -> dict[str, NDArray[np.float64]]:
    """Learner → mean gain of each UTC day, bps, in order, over every rollout it ever had; learners with fewer than 300
    resolved pairs are left out.

    A day belongs to the rollout it was decided in: each compares two versions of its own.
    """
    found: dict[str, pl.DataFrame] = {}
    for one in list_rollouts(tx):
        state, until = one.state, now if one.is_running else one.updated_at
        rows = stage_rows(tx, one.learner, (state.candidate, state.champion), one.started_at, until)
        pairs = paired_gains(rows, state.candidate, state.champion)
        frame = pl.DataFrame(
            {"number": one.number, "at": pairs.decided_at, "gain": pairs.gain_bps},
            schema={"number": pl.Int64, "at": pl.Datetime("us", "UTC"), "gain": pl.Float64},
        ).filter(pl.col("gain").is_not_nan())
        found[one.learner] = pl.concat([found[one.learner], frame]) if one.learner in found else frame
    return {learner: _by_day(frame) for learner, frame in found.items() if frame.height >= MIN_RESOLVED}


def _by_day(frame: pl.DataFrame) -> NDArray[np.float64]:
    days = frame.group_by("number", day=pl.col("at").dt.date()).agg(pl.col("gain").mean()).sort("number", "day")
    return days["gain"].to_numpy()
