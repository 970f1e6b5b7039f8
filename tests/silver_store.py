"""How tests put daily bars into a silver store, and what they read off the merge."""

from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl

from pawl.lake.silver import Merge, SilverStore
from pawl.market.bars import Timeframe
from pawl.market.calendars import Calendar

DAILY = Timeframe.parse("1d")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MakeBars = Callable[..., pl.DataFrame]


def put(store: SilverStore, bars: pl.DataFrame, calendar: Calendar | None = None, now: datetime = NOW) -> Merge:
    """Merge daily bars."""
    return store.merge(bars, DAILY, calendar, source="test", now=now)


def counts(merge: Merge) -> tuple[int, int, int, int]:
    """Rows added, replaced, unchanged, quarantined."""
    return merge.added, merge.replaced, merge.unchanged, merge.quarantined
