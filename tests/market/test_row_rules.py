"""The rules of one bar: each fault finds its reason, and no row is lost."""

import math
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.market.bars import BAR_SCHEMA
from pawl.market.row_rules import ROW_FAULTS, sort_out

START = datetime(2024, 1, 1, tzinfo=UTC)
GOOD = {"ticker": "A", "ts": START, "open": 5.0, "high": 9.0, "low": 4.0, "close": 6.0, "volume": 1.0}


def frame(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=BAR_SCHEMA)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ticker": None}, "bad_ticker"),
        ({"ticker": ""}, "bad_ticker"),
        ({"ticker": "x" * 65}, "bad_ticker"),
        ({"ts": None}, "null_value"),
        ({"open": None}, "null_value"),
        ({"volume": math.nan}, "null_value"),
        ({"high": math.inf}, "null_value"),
        ({"close": 0.0}, "non_positive_price"),
        ({"low": -4.0}, "non_positive_price"),
        ({"volume": -1.0}, "negative_volume"),
        ({"high": 5.5}, "ohlc_violation"),
        ({"low": 5.5}, "ohlc_violation"),
    ],
)
def test_a_faulty_row_is_refused_with_its_reason(change: dict[str, object], reason: str) -> None:
    other = {**GOOD, "ts": START + timedelta(days=1)}
    sorted_out = sort_out(frame({**GOOD, **change}, other))
    assert sorted_out.bad["reason"].to_list() == [reason]
    assert sorted_out.good.rows() == frame(other).rows()
    assert reason in ROW_FAULTS


def test_two_bars_with_one_time_and_other_prices_are_both_refused() -> None:
    sorted_out = sort_out(frame(GOOD, {**GOOD, "close": 7.0}))
    assert sorted_out.good.is_empty()
    assert sorted_out.bad["reason"].to_list() == ["conflicting_duplicate"] * 2


def test_an_identical_copy_is_dropped_and_counted() -> None:
    sorted_out = sort_out(frame(GOOD, GOOD, GOOD))
    assert (sorted_out.good.height, sorted_out.bad.height, sorted_out.n_repeated) == (1, 0, 2)


def test_no_rows_give_no_rows() -> None:
    sorted_out = sort_out(frame())
    assert sorted_out.good.is_empty() and sorted_out.bad.is_empty()


prices = st.one_of(st.none(), st.just(math.nan), st.floats(-2, 9), st.sampled_from([5.0, 6.0, 9.0]))


@given(st.lists(st.fixed_dictionaries({"day": st.integers(0, 3), "high": prices, "close": prices}), max_size=12))
def test_every_row_is_good_bad_or_a_copy(rows: list[dict[str, object]]) -> None:
    days = [START + timedelta(days=int(str(row["day"]))) for row in rows]
    changes = [{"ts": day, "high": row["high"], "close": row["close"]} for day, row in zip(days, rows, strict=True)]
    bars = frame(*({**GOOD, **change} for change in changes))
    sorted_out = sort_out(bars)
    assert sorted_out.good.height + sorted_out.bad.height + sorted_out.n_repeated == bars.height
    assert sorted_out.good.select(pl.struct("ticker", "ts").is_duplicated().any()).item() in (False, None)
    assert sorted_out.bad["reason"].null_count() == 0
