"""Ready feature rows of one ticker as the frame that m002 predicts on."""

from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from pawl.features.feature import FeatureKind
from pawl.features.sets import FEATURE_SETS
from pawl.market.bars import UTC_TIME

__all__ = ["LAST_READY", "ready_frame"]

Floats = npt.NDArray[np.float64]

FEATURES = FEATURE_SETS["m002"]
DAY = timedelta(days=1)
LAST_READY = datetime(2000, 1, 1, tzinfo=UTC)
"""The place of the last row: m002 reads of time only that rows follow each other, so any day will do."""


def ready_frame(rows: Floats) -> pl.DataFrame:
    """One row a row of (n_rows, n_features), on consecutive days of one ticker, the last of them at `LAST_READY`.

    >>> ready_frame(np.zeros((2, len(FEATURES.names))))["ts"].dt.day().to_list()
    [31, 1]
    """
    n_rows = len(rows)
    kinds = {each.name: pl.Boolean if each.kind is FeatureKind.INDICATOR else pl.Float64 for each in FEATURES}
    days = [LAST_READY + number * DAY for number in range(1 - n_rows, 1)]
    return pl.DataFrame(rows, schema=list(kinds), orient="row").with_columns(
        *(pl.col(name).cast(kind) for name, kind in kinds.items()),
        ticker=pl.lit("ready"),
        ts=pl.Series(days, dtype=UTC_TIME),
        available_at=pl.Series(days, dtype=UTC_TIME) + DAY,
        session=pl.int_range(n_rows, dtype=pl.Int64),
    )
