"""What the next bars brought: limits, horizon, and nothing of the day itself."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.labels.rebound import rebound_labels

FIRST = datetime(2024, 1, 2, tzinfo=UTC)


def bars(close: list[float], low: list[float] | None = None, ticker: str = "A") -> pl.DataFrame:
    closes = [FIRST + timedelta(days=day) for day in range(len(close))]
    return pl.DataFrame({"ticker": ticker, "available_at": closes, "close": close, "low": low or close})


def first_label(end: float, lowest: float) -> int | None:
    close, low = [100.0] * 5 + [end], [100.0] * 3 + [lowest] + [100.0] * 2
    label: int | None = rebound_labels(bars(close, low)).get_column("label_rebound_bin")[0]
    return label


@pytest.mark.parametrize(
    ("end", "lowest", "expected"),
    [
        (101.0, 97.0, 1),  # both exactly at their limits
        (100.99, 97.0, 0),
        (101.0, 96.99, 0),
        (120.0, 99.0, 1),
        (99.0, 99.0, 0),
    ],
)
def test_m002_r21_a_rebound_gains_1_percent_and_never_loses_more_than_3(
    end: float, lowest: float, expected: int
) -> None:
    assert first_label(end, lowest) == expected


@given(price=st.floats(1e-6, 1e6), end=st.integers(90, 110), lowest=st.integers(90, 100))
def test_m002_r21_the_limits_hold_at_every_price_level(price: float, end: int, lowest: int) -> None:
    close, low = [price] * 5 + [price * end / 100], [price] * 2 + [price * lowest / 100] + [price] * 3
    label = rebound_labels(bars(close, low)).get_column("label_rebound_bin")[0]

    # Whole percents, so that the limits themselves are met often.
    assert label == int(end >= 101 and lowest >= 97)


def test_m002_r21_the_label_follows_from_its_two_columns_on_real_bars(shared_data: Path) -> None:
    frame = pl.read_parquet(shared_data / "bars" / "crypto_1d.parquet").filter(pl.col("ticker") == "BTCUSDT")
    close, low = frame.get_column("close").to_numpy(), frame.get_column("low").to_numpy()
    labels = rebound_labels(frame.with_columns(available_at="ts"))
    n = close.size

    for t in range(0, n - 5, 7):
        future_return = 100 * (close[t + 5] / close[t] - 1)
        drawdown = min(0.0, 100 * (low[t + 1 : t + 6].min() / close[t] - 1))
        assert labels.get_column("fut_ret_pct")[t] == pytest.approx(future_return, abs=1e-8)
        assert labels.get_column("fut_dd_pct")[t] == pytest.approx(drawdown, abs=1e-8)
    expected = (labels.get_column("fut_ret_pct") >= 1) & (labels.get_column("fut_dd_pct") >= -3)
    assert labels.get_column("label_rebound_bin").cast(pl.Boolean).equals(expected, null_equal=True)
    assert 0.1 < labels.get_column("label_rebound_bin").mean() < 0.6


def test_m002_r22_the_day_itself_and_the_sixth_day_are_not_read() -> None:
    close, low = [100.0] * 7, [100.0] * 7
    quiet = rebound_labels(bars(close, low)).row(0)
    low[0], low[6], close[6] = 1.0, 1.0, 1.0

    assert rebound_labels(bars(close, low)).row(0)[4:] == quiet[4:]


@pytest.mark.parametrize("day", [1, 2, 3, 4, 5])
def test_m002_r22_the_low_of_each_of_the_next_five_days_is_read(day: int) -> None:
    low = [100.0] * 7
    low[day] = 90.0

    assert rebound_labels(bars([100.0] * 7, low)).get_column("fut_dd_pct")[0] == -10.0


def test_m002_r22_the_last_five_rows_of_each_ticker_have_no_label(rng: np.random.Generator) -> None:
    frame = pl.concat(
        [bars(rng.uniform(90, 110, n).tolist(), ticker=name) for name, n in (("A", 12), ("B", 3), ("C", 6))]
    )
    labels = rebound_labels(frame)
    is_known = [True] * 7 + [False] * 5 + [False] * 3 + [True] + [False] * 5

    for name in ("fut_ret_pct", "fut_dd_pct", "label_rebound_bin", "t1"):
        assert labels.get_column(name).is_not_null().to_list() == is_known, name
    assert labels.get_column("t0").null_count() == 0


def test_the_interval_ends_when_the_last_bar_read_has_closed() -> None:
    labels = rebound_labels(bars([100.0] * 8), horizon_bars=3)

    assert labels.get_column("t0")[0] == FIRST
    assert labels.get_column("t1")[0] == FIRST + timedelta(days=3)


def test_a_drawdown_is_never_above_zero() -> None:
    assert rebound_labels(bars([100.0, 105.0, 106.0], [100.0, 104.0, 105.0]), 2).get_column("fut_dd_pct")[0] == 0.0


def test_a_missing_low_ahead_leaves_the_label_unknown() -> None:
    frame = bars([100.0] * 7).with_columns(low=pl.Series([100.0, 100.0, None, 100.0, 100.0, 100.0, 100.0]))

    assert rebound_labels(frame).get_column("label_rebound_bin").to_list() == [None] * 2 + [None] * 5
