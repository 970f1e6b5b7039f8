"""Feature frames as the reversal network sees them: windows of bars that follow each other in time."""

from datetime import timedelta

import numpy as np
import polars as pl

from pawl.errors import SchemaError
from pawl.models.sequences import Sequences, build_sequences

__all__ = ["reversal_sequences"]


def reversal_sequences(
    frame: pl.DataFrame, features: tuple[str, ...], bar: timedelta, sequence_length: int
) -> Sequences:
    """Unscaled windows, one a row that ends a whole one; built over every bar, to be filtered by label afterwards.

    frame: sorted by (ticker, ts), with the features; a missing column is a SchemaError that names it. bar: length of a
    bar. The bars of a window are of one pair, `bar` apart on the clock, and have every feature. A weekend is a gap: on
    the calendar Friday's last bar and Sunday's first are neighbours, in time they are not.
    """
    missing = [name for name in ("ticker", "ts", *features) if name not in frame.columns]
    if missing:
        raise SchemaError(
            f"missing columns: {', '.join(missing)}",
            where="reversal sequences",
            fix="hand in bars with the reversal features: build_dataset(bars, feature_set='reversal')",
        )
    values = np.ascontiguousarray(frame.select(pl.col(features).cast(pl.Float32)).to_numpy(), np.float32)
    return build_sequences(
        values,
        ticker_ids=frame.get_column("ticker").rle_id().to_numpy(),
        session=_slots(frame.get_column("ts"), bar),
        is_complete=np.asarray(np.isfinite(values).all(axis=1)),
        seq_len=sequence_length,
    )


def _slots(ts: pl.Series, bar: timedelta) -> np.ndarray:
    """The number of each bar's place on the clock: neighbours differ by 1, and nothing else does."""
    microseconds = ts.dt.epoch("us").to_numpy()
    length = bar // timedelta(microseconds=1)
    slots = microseconds // length
    # A bar off the grid follows nothing and nothing follows it, rather than being taken for the bar it stands near.
    return np.asarray(np.where(microseconds % length == 0, slots, -2 * (np.arange(len(slots)) + 1)), np.int64)
