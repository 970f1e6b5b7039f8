"""What frames become before they are drawn."""

from datetime import UTC, date, datetime

import polars as pl

from pawl.reports.chart_style import dates, percents, values


def test_daily_bars_are_written_as_days_and_finer_ones_with_their_time() -> None:
    daily = pl.DataFrame({"ts": [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)]})
    hourly = pl.DataFrame({"ts": [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 1, tzinfo=UTC)]})
    assert dates(daily) == ["2024-01-01", "2024-01-02"]
    assert dates(hourly) == ["2024-01-01 00:00", "2024-01-01 01:00"]
    assert dates(pl.DataFrame({"ts": [date(2024, 1, 1)]})) == ["2024-01-01"]


def test_what_is_not_a_number_is_left_out_of_a_drawing() -> None:
    frame = pl.DataFrame({"y": [0.12345, float("nan"), float("inf"), None]})
    assert values(frame, "y", 3) == [0.123, None, None, None]
    assert percents(frame, "y", 1) == [12.3, None, None, None]
