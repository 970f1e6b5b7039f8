"""The interval of a label."""

from datetime import UTC, datetime

import polars as pl

from pawl.labels.interval import interval

CLOSES = [datetime(2024, 1, day, tzinfo=UTC) for day in (2, 3, 4, 5)]


def test_an_interval_ends_with_the_last_bar_it_reads_in_its_own_ticker() -> None:
    frame = pl.DataFrame({"ticker": list("AABB"), "available_at": [CLOSES[0], CLOSES[2], CLOSES[1], CLOSES[3]]})
    found = frame.select(interval(1))

    assert found.get_column("t0").to_list() == [CLOSES[0], CLOSES[2], CLOSES[1], CLOSES[3]]
    assert found.get_column("t1").to_list() == [CLOSES[2], None, CLOSES[3], None]
