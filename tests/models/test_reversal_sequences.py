"""Windows of the reversal network: of one pair, without a gap in time, built before anything is filtered."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from pawl.errors import SchemaError
from pawl.features.sets import FEATURE_SETS
from pawl.market.bars import Timeframe
from pawl.market.calendars import FX, open_times, stamp
from pawl.models.reversal_sequences import reversal_sequences

NAMES = FEATURE_SETS["reversal"].names
BAR = timedelta(minutes=15)


def frame(ts: pl.Series, ticker: str = "EURUSD") -> pl.DataFrame:
    """Rows whose features tell their number."""
    rows = np.arange(len(ts), dtype=np.float64)
    values = pl.DataFrame({name: rows + place / 100 for place, name in enumerate(NAMES)})
    return pl.DataFrame({"ticker": [ticker] * len(ts), "ts": ts}).hstack(values)


def week() -> pl.Series:
    """The last 30 bars before a weekend of 2025, and the first 30 after it."""
    days = (datetime(2025, 3, day, tzinfo=UTC) for day in (20, 22, 25))
    friday, sunday = (open_times(FX, Timeframe.parse("15m"), *span) for span in pairwise(days))
    return pl.concat([friday.tail(30), sunday.head(30)])


def ends_of(data: pl.DataFrame) -> list[int]:
    return reversal_sequences(data, NAMES, BAR, 20).ends.tolist()


def test_rev_r13_a_window_is_20_bars_of_38_features_and_no_copy() -> None:
    sequences = reversal_sequences(frame(week()), NAMES, BAR, 20)
    assert sequences.windows.shape == (41, 20, 38)
    assert np.shares_memory(sequences.windows, sequences.values)
    last = sequences.gather(sequences.ends[:1])
    assert last.shape == (1, 20, 38)
    np.testing.assert_allclose(last[0, :, 0], np.arange(20))


def test_rev_r13_a_weekend_is_a_gap_although_its_two_bars_are_neighbours_on_the_calendar() -> None:
    ts = week()
    sessions = stamp(ts.alias("ts").to_frame(), FX, Timeframe.parse("15m"))["session"]
    assert sessions.diff().drop_nulls().unique().to_list() == [1], "the calendar sees no gap"
    assert ends_of(frame(ts)) == [*range(19, 30), *range(49, 60)]


def test_rev_r13_a_missing_quarter_hour_is_a_gap() -> None:
    whole = frame(week().head(30))
    assert ends_of(whole.filter(pl.int_range(pl.len()) != 25)) == [*range(19, 25)]


def test_rev_r13_a_window_never_holds_two_pairs() -> None:
    ts = week().head(30)
    # The second pair goes on at the very instant at which the first one ends.
    both = pl.concat([frame(ts), frame(ts + 30 * BAR, "USDJPY")])
    assert ends_of(both) == [*range(19, 30), *range(49, 60)]


def test_rev_r13_a_bar_off_the_grid_or_without_a_feature_is_in_no_window() -> None:
    whole = frame(week().head(30))
    hole = whole.with_columns(pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise("adx_14").alias("adx_14"))
    assert ends_of(hole) == [*range(23, 30)]
    shifted = pl.when(pl.int_range(pl.len()) == 3).then(pl.col("ts") + timedelta(minutes=1)).otherwise("ts")
    assert ends_of(whole.with_columns(ts=shifted)) == [*range(23, 30)]


def test_rev_r13_windows_hold_bars_whose_labels_were_left_out() -> None:
    """Filtering first would join distant bars: only the ends are filtered, the bars inside a window all stay."""
    whole = frame(week().head(30))
    sequences = reversal_sequences(whole, NAMES, BAR, 20)
    is_labelled = np.arange(30) % 7 == 0
    ends = sequences.ends[is_labelled[sequences.ends]]
    assert ends.tolist() == [21, 28]
    np.testing.assert_allclose(sequences.gather(ends)[0, :, 0], np.arange(2, 22))


def test_a_missing_feature_is_named() -> None:
    with pytest.raises(SchemaError, match="adx_14"):
        reversal_sequences(frame(week()).drop("adx_14"), NAMES, BAR, 20)
