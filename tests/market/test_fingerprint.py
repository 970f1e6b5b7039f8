"""The hash of bars: blind to order, awake to every bit."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from pawl.market.bars import SILVER_SCHEMA
from pawl.market.fingerprint import hash_bars

START = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def bars() -> pl.DataFrame:
    rows = [
        (ticker, START + timedelta(days=day), 1.0, 3.0, 1.0, 2.0 + day, 0.0, START + timedelta(days=day + 1), day)
        for ticker in ("A", "B")
        for day in range(5)
    ]
    return pl.DataFrame(rows, schema=SILVER_SCHEMA, orient="row")


def test_the_order_of_rows_does_not_matter(bars: pl.DataFrame) -> None:
    assert hash_bars(bars.sample(fraction=1.0, shuffle=True, seed=1)) == hash_bars(bars)


@pytest.mark.parametrize("column", [name for name in SILVER_SCHEMA if name != "ticker"])
def test_a_change_in_any_column_changes_the_hash(bars: pl.DataFrame, column: str) -> None:
    step = timedelta(microseconds=1) if SILVER_SCHEMA[column].is_temporal() else 1
    is_one = pl.int_range(pl.len()) == 7
    changed = bars.with_columns(pl.when(is_one).then(pl.col(column) + step).otherwise(column).alias(column))
    assert hash_bars(changed) != hash_bars(bars)


def test_a_row_that_moves_to_another_ticker_changes_the_hash(bars: pl.DataFrame) -> None:
    assert hash_bars(bars.with_columns(ticker=pl.lit("A") + pl.col("ticker"))) != hash_bars(bars)


def test_minus_zero_counts_as_zero(bars: pl.DataFrame) -> None:
    assert hash_bars(bars.with_columns(volume=pl.lit(-0.0))) == hash_bars(bars)
