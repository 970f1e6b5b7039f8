"""Which decisions were taken in a common market, so that comparing them compares the decisions and not the days.

Two are similar when they share instrument, regime label, session band, evaluation horizon and the side of every split,
lie at most a week apart, and their contexts are close. No two rows are ever compared that do not share a block.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pawl.datasets.passport_settings import SimilaritySettings
from pawl.errors import SchemaError

__all__ = ["CONTEXT_COLUMNS", "EQUAL_COLUMNS", "ContextScale", "Similar", "SimilaritySettings", "similar_pairs"]

Rows = NDArray[np.int32]

EQUAL_COLUMNS = ("ticker", "market_regime", "session_band", "horizon_sec")
"""What both must share, beside the sides of the splits; horizon_sec: the span over which the outcome was measured."""

CONTEXT_COLUMNS = ("volatility", "funding", "oi_change")
"""The numbers of a context that its distance is measured in."""

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class ContextScale:
    """Standard deviation (n − 1) of each context column; 0 where it never varied.

    >>> rows = pl.DataFrame({"volatility": [1.0, 3.0], "funding": [0.0, 0.0], "oi_change": [0.0, None]})
    >>> {name: round(spread, 3) for name, spread in ContextScale.fitted(rows).spreads.items()}
    {'volatility': 1.414, 'funding': 0.0, 'oi_change': 0.0}
    """

    spreads: Mapping[str, float]

    @classmethod
    def fitted(cls, train: pl.DataFrame) -> "ContextScale":
        """The scale of the training side; another side must not move it. Values that are not finite are passed over."""
        finite = (train.get_column(name).cast(pl.Float64) for name in CONTEXT_COLUMNS)
        spreads = (values.filter(values.is_finite()).std() for values in finite)
        return cls({n: float(str(s)) if s is not None else 0.0 for n, s in zip(CONTEXT_COLUMNS, spreads, strict=True)})


@dataclass(frozen=True, slots=True, eq=False)
class Similar:
    """Pairs of row numbers of the frame that was handed in, the earlier decision first.

    n_unplaced: rows without a side, a key or a finite context. n_cut_off: rows with more partners within the time limit
    than were compared.
    """

    first: Rows
    second: Rows
    n_unplaced: int
    n_cut_off: int


def similar_pairs(
    rows: pl.DataFrame, scale: ContextScale, settings: SimilaritySettings, splits: Sequence[str]
) -> Similar:
    """All similar pairs among the rows, at most `max_compared` partners later in time for each.

    rows: EQUAL_COLUMNS, CONTEXT_COLUMNS, trajectory_id, decided_at, and one column a split that names the row's side
    (null: on neither side, as in the gap between them). Time and memory grow with rows × max_compared.
    Distance: √(mean over the columns of (difference / spread)²); of a column that never varied in training, both
    must hold the same value.
    """
    needed = ["trajectory_id", "decided_at", *EQUAL_COLUMNS, *CONTEXT_COLUMNS, *splits]
    absent = [name for name in needed if name not in rows.columns]
    if absent:
        raise SchemaError(f"column `{absent[0]}` is missing", where="similar pairs", fix=f"hand in {', '.join(needed)}")
    is_placed = pl.all_horizontal(
        *(pl.col(name).is_not_null() for name in needed), *(pl.col(name).is_finite() for name in CONTEXT_COLUMNS)
    )
    varying = [name for name in CONTEXT_COLUMNS if scale.spreads[name] > 0]
    keys = [*EQUAL_COLUMNS, *splits, *(name for name in CONTEXT_COLUMNS if name not in varying)]
    placed = rows.select(needed).with_row_index("row").filter(is_placed).sort(*keys, "decided_at", "trajectory_id")
    block = placed.select(pl.struct(keys).rle_id().cast(pl.Int64)).to_series().to_numpy()
    decided = placed.get_column("decided_at").dt.epoch("us").to_numpy()
    contexts = placed.select(pl.col(name) / scale.spreads[name] for name in varying).to_numpy()
    row = placed.get_column("row").cast(pl.Int32).to_numpy()
    limit_us = int(settings.max_days_apart * DAY_US)

    def within_reach(lag: int) -> Rows:
        """Places that share block and time with the place `lag` behind them."""
        is_near = (block[:-lag] == block[lag:]) & (decided[lag:] - decided[:-lag] <= limit_us)
        return np.flatnonzero(is_near).astype(np.int32)

    firsts, seconds = [np.empty(0, np.int32)], [np.empty(0, np.int32)]
    for lag in range(1, settings.max_compared + 1):
        places = within_reach(lag)
        if places.size == 0:
            break
        if varying:
            squares = np.square(contexts[places] - contexts[places + lag]).mean(axis=1)
            places = places[squares <= settings.max_context_distance**2]
        firsts.append(row[places])
        seconds.append(row[places + lag])
    return Similar(
        first=np.concatenate(firsts),
        second=np.concatenate(seconds),
        n_unplaced=rows.height - placed.height,
        n_cut_off=within_reach(settings.max_compared + 1).size,
    )
