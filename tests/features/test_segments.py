"""The order of bars, and where tickers end."""

from datetime import UTC, datetime

import polars as pl
import pytest

from pawl.errors import SchemaError
from pawl.features.segments import SEGMENT_END, ordered_by_ticker, with_segments

DAYS = [datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3)]


def bars(tickers: str, days: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"ticker": list(tickers), "ts": [DAYS[day] for day in days]})


@pytest.mark.parametrize(("tickers", "days"), [("BA", [0, 1]), ("AA", [1, 0]), ("ABA", [0, 0, 1]), ("AAB", [2, 0, 1])])
def test_bars_out_of_order_are_sorted(tickers: str, days: list[int]) -> None:
    ordered = ordered_by_ticker(bars(tickers, days))

    assert ordered.equals(bars(tickers, days).sort("ticker", "ts"))


def test_bars_in_order_stay_as_they_are() -> None:
    # The ts falls from one ticker to the next: that is in order.
    given = bars("AAB", [1, 2, 0])

    assert ordered_by_ticker(given) is given


@pytest.mark.parametrize("days", [[0, 1, 1], [1, 0, 1]])
def test_two_bars_of_one_instant_are_refused(days: list[int]) -> None:
    with pytest.raises(SchemaError, match=r"A has two bars at 2024-01-02"):
        ordered_by_ticker(bars("AAA", days))


def test_no_bars_are_in_order() -> None:
    assert with_segments(ordered_by_ticker(bars("", []))).height == 0


def test_a_segment_ends_where_the_next_ticker_begins() -> None:
    assert with_segments(bars("AAB", [0, 1, 0])).get_column(SEGMENT_END).to_list() == [2, 2, 3]
