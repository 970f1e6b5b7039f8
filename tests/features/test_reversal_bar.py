"""The set `reversal` as a whole, and its first group, against loops in plain Python."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pawl.features.proof import prove
from pawl.features.sets import FEATURE_SETS, build_dataset, compute

Walk = Callable[..., pl.DataFrame]

REVERSAL = FEATURE_SETS["reversal"]
STORED_ORDER = """
ret_1 ret_3 ret_5 ret_10 hl_range body upper_wick lower_wick close_pos gap
sma_10_rel sma_20_rel sma_50_rel ema_12_rel ema_26_rel macd macd_signal macd_hist
adx_14 plus_di_14 minus_di_14 aroon_osc_25
rsi_7 rsi_14 stoch_k_14 stoch_d_3 cci_20 williams_r_14 roc_10
atr_14_rel atr_ratio bb_pctb_20 bb_width_20 rv_20
dist_high_20 dist_low_20 hour_sin hour_cos
""".split()

UNIT_RANGE = {"rsi_7", "rsi_14", "stoch_k_14", "stoch_d_3", "adx_14", "plus_di_14", "minus_di_14"}


def quarter_hours(bars: pl.DataFrame) -> pl.DataFrame:
    """The same prices on 15-minute bars."""
    first = datetime(2025, 3, 3, tzinfo=UTC)
    ts = pl.Series([first + timedelta(minutes=15) * n for n in range(bars.height)], dtype=pl.Datetime("us", "UTC"))
    return bars.with_columns(ts=ts)


def test_rev_r3_there_are_exactly_38_columns_in_the_stored_order(walk: Walk) -> None:
    assert len(STORED_ORDER) == 38
    assert list(REVERSAL.names) == STORED_ORDER
    built = build_dataset(walk(30), "reversal").collect()
    assert built.columns[-38:] == STORED_ORDER


def test_rev_r3_every_feature_is_trailing_cut_the_future_and_nothing_changes(walk: Walk) -> None:
    bars = quarter_hours(walk(760, seed=11))
    whole = compute(bars, REVERSAL)
    for cut in (5, 51, 200, 599, 759):
        assert_frame_equal(compute(bars.head(cut), REVERSAL), whole.head(cut), check_exact=True)


def test_rev_r3_the_proof_tries_every_value_with_its_future_cut_and_with_its_look_back_alone(walk: Walk) -> None:
    bars = pl.concat([quarter_hours(walk(700, 1, "EURUSD")), quarter_hours(walk(650, 2, "USDJPY"))])
    proof = prove(bars, REVERSAL, n_jobs=1)
    assert (proof.mismatches, proof.near_limit) == (0, 0)
    assert proof.cells == 38 * 1350


def test_rev_r3_a_pair_knows_nothing_of_the_other(walk: Walk) -> None:
    one, other = quarter_hours(walk(200, 1, "EURUSD")), quarter_hours(walk(200, 2, "USDJPY"))
    both = compute(pl.concat([one, other]), REVERSAL)
    assert_frame_equal(both.filter(pl.col("ticker") == "EURUSD"), compute(one, REVERSAL), check_exact=True)


def test_rev_r3_the_bars_are_read_in_the_order_they_traded_and_a_weekend_is_no_bar(walk: Walk) -> None:
    bars = quarter_hours(walk(300, 5))
    monday = pl.col("ts") + pl.when(pl.int_range(pl.len()) >= 150).then(timedelta(hours=48)).otherwise(timedelta(0))
    paused = compute(bars.with_columns(ts=monday), REVERSAL)
    assert_frame_equal(paused.drop("ts"), compute(bars, REVERSAL).drop("ts"), check_exact=True)
    opened, closed = bars["open"][150], bars["close"][149]
    assert paused["gap"][150] == opened / closed - 1


def test_rev_r3_a_zero_denominator_gives_a_half_for_close_pos_and_else_zero(walk: Walk) -> None:
    still = walk(120).with_columns(pl.lit(1.25).alias(name) for name in ("open", "high", "low", "close"))
    last = compute(quarter_hours(still), REVERSAL).row(-1, named=True)
    divided = [
        "plus_di_14", "minus_di_14", "adx_14", "rsi_7", "rsi_14", "stoch_k_14", "stoch_d_3", "cci_20", "williams_r_14",
        "atr_ratio", "bb_pctb_20",
    ]  # fmt: skip
    assert last["close_pos"] == 0.5
    assert {name: last[name] for name in divided} == dict.fromkeys(divided, 0.0)


def test_rev_r3_returns_and_bar_are_the_formulas(walk: Walk) -> None:
    bars = walk(60, 8)
    found = compute(bars, REVERSAL)
    rows = bars.to_dicts()
    for n in range(10, 60):
        bar, got = rows[n], found.row(n, named=True)
        o, h, low, c = (bar[name] for name in ("open", "high", "low", "close"))
        for lag in (1, 3, 5, 10):
            assert got[f"ret_{lag}"] == pytest.approx(c / rows[n - lag]["close"] - 1, abs=1e-14)
        assert got["hl_range"] == pytest.approx((h - low) / c, rel=1e-12)
        assert got["body"] == pytest.approx((c - o) / o, abs=1e-14)
        assert got["upper_wick"] == pytest.approx((h - max(o, c)) / c, abs=1e-14)
        assert got["lower_wick"] == pytest.approx((min(o, c) - low) / c, abs=1e-14)
        assert got["close_pos"] == pytest.approx((c - low) / (h - low), abs=1e-12)
        assert got["gap"] == pytest.approx(o / rows[n - 1]["close"] - 1, abs=1e-14)
    assert found["ret_10"].null_count() == 10
    assert found["gap"].null_count() == 1


def test_rev_r3_indexes_stay_in_their_range_and_nothing_is_infinite(walk: Walk) -> None:
    found = compute(walk(900, 4), REVERSAL).select(STORED_ORDER)
    values = found.drop_nulls()
    assert np.isfinite(values.to_numpy()).all()
    for name in UNIT_RANGE:
        assert 0 <= values[name].min() <= values[name].max() <= 100
    assert -100 <= values["williams_r_14"].min() <= values["williams_r_14"].max() <= 0
    assert math.isclose(values["stoch_k_14"][-1] - 100, values["williams_r_14"][-1], abs_tol=1e-9)
