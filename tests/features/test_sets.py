"""Feature sets: what they hold, and what must never change a value."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pawl.errors import NotFoundError, SchemaError
from pawl.features.feature import Feature, FeatureSet
from pawl.features.segments import SEGMENT_END
from pawl.features.sets import FEATURE_SETS, add_m002_features, build_dataset, compute, definition_hash, feature_set

Walk = Callable[..., pl.DataFrame]

V1 = ["ret_1", "ret_5", "ret_10", "ret_20", "log_ret_1", "vol_20", "hl_range", "co_ret", "volume_ratio_20"]
V2 = ["rsi_14", "macd_rel", "macd_signal_rel", "macd_hist_rel", "bb_pctb_20", "bb_width_20", "atr_14"]
V3 = ["dist_sma20", "dist_sma60", "drawdown_60", "range_pos_60", "obv_slope_20", "volume_z_20"]
ADDED = [
    "rsi_smooth", "atr_smooth", "curv_2", "price_accel", "ema_spread_rel", "atr_rel", "event_local_vol_spike",
    "event_volume_regain", "event_rebound_candidate", "event_breakdown_risk", "I_bd_early", "I_bd_late", "I_vr_and_vs",
    "event_volume_regain_freq20", "days_since_volume_regain",
]  # fmt: skip

seeds = st.integers(0, 10_000)


def m002(bars: pl.DataFrame) -> pl.DataFrame:
    return build_dataset(bars, feature_set="m002").collect()


def test_m002_r1_the_m002_set_has_every_column_of_the_spec_behind_the_input(walk: Walk) -> None:
    bars = walk(70).with_columns(available_at=pl.col("ts"))
    frame = m002(bars)

    assert frame.columns == [*bars.columns, *V1, *V2, *V3, *ADDED]
    assert frame.drop(V1 + V2 + V3 + ADDED).equals(bars)
    assert list(FEATURE_SETS) == ["v1", "v2", "v3", "m002", "reversal"]
    assert [list(FEATURE_SETS[name].names) for name in ("v1", "v2", "v3")] == [V1, V2, V3]


def test_the_promised_types_are_the_types_that_come(walk: Walk) -> None:
    lazy = build_dataset(walk(5))

    assert lazy.collect_schema() == lazy.collect().schema
    assert lazy.collect_schema()["I_bd_early"] == pl.Boolean
    assert add_m002_features(walk(5)).collect_schema() == lazy.collect_schema()


@settings(deadline=None, max_examples=25)
@given(seed=seeds, cut=st.integers(1, 159))
def test_m002_r2_cutting_the_future_changes_no_bit(seed: int, cut: int, walk: Walk) -> None:
    bars = walk(160, seed)

    assert_frame_equal(m002(bars.head(cut)), m002(bars).head(cut), check_exact=True)


@settings(deadline=None, max_examples=25)
@given(seed=seeds, order=st.randoms(use_true_random=False))
def test_m002_r3_other_tickers_and_the_order_of_rows_change_no_bit(seed: int, order: object, walk: Walk) -> None:
    own = walk(120, seed, ticker="M")
    others = [walk(rows, seed + rows, ticker=ticker) for ticker, rows in (("A", 70), ("N", 3), ("Z", 130))]
    together = pl.concat([own, *others])
    places = list(range(together.height))
    order.shuffle(places)  # type: ignore[attr-defined]

    assert_frame_equal(m002(together[places]).filter(pl.col("ticker") == "M"), m002(own), check_exact=True)


@settings(deadline=None, max_examples=25)
@given(seed=seeds, power=st.integers(-6, 6))
def test_doubling_all_prices_changes_no_bit_of_a_unit_free_feature(seed: int, power: int, walk: Walk) -> None:
    bars = walk(160, seed)
    scaled = bars.with_columns(pl.col("open", "high", "low", "close") * 2.0**power)

    # atr_14 is in price units and scales along.
    assert_frame_equal(m002(scaled).select(V1 + V2[:-1] + V3 + ADDED), m002(bars).select(V1 + V2[:-1] + V3 + ADDED),
                       check_exact=True)  # fmt: skip
    assert_frame_equal(
        m002(scaled).select("atr_14"), m002(bars).select(pl.col("atr_14") * 2.0**power), check_exact=True
    )


@settings(deadline=None, max_examples=25)
@given(seed=seeds, factor=st.floats(1e-3, 1e3))
def test_scaling_all_prices_leaves_a_unit_free_feature_where_it_was(seed: int, factor: float, walk: Walk) -> None:
    bars = walk(160, seed)
    scaled = bars.with_columns(pl.col("open", "high", "low", "close") * factor)

    numbers = [name for name in V1 + V2[:-1] + V3 + ADDED if not name.startswith(("event", "I_"))]
    assert_frame_equal(m002(scaled).select(numbers), m002(bars).select(numbers), abs_tol=1e-9, rel_tol=1e-7)


def test_a_filter_behind_the_dataset_does_not_reach_the_bars(walk: Walk) -> None:
    bars = walk(200)
    since = bars.get_column("ts")[150]

    assert_frame_equal(build_dataset(bars.lazy()).filter(pl.col("ts") >= since).collect(), m002(bars).slice(150))
    assert_frame_equal(build_dataset(bars.lazy()).tail(3).collect(), m002(bars).tail(3))
    assert_frame_equal(build_dataset(bars.lazy()).select("curv_2").collect(), m002(bars).select("curv_2"))


def test_a_parquet_scan_gives_what_the_frame_gives(walk: Walk, tmp_path: Path) -> None:
    bars = pl.concat([walk(90, 1, "A"), walk(90, 2, "B")])
    bars.write_parquet(tmp_path / "bars.parquet", row_group_size=50)

    assert_frame_equal(build_dataset(pl.scan_parquet(tmp_path / "bars.parquet")).collect(), m002(bars))
    assert_frame_equal(
        build_dataset(pl.scan_parquet(tmp_path / "bars.parquet")).collect(engine="streaming"), m002(bars)
    )


def test_computing_at_once_gives_what_the_query_gives(walk: Walk) -> None:
    assert_frame_equal(compute(walk(100), FEATURE_SETS["m002"]), m002(walk(100)))


def test_building_again_on_a_dataset_gives_the_same_dataset(walk: Walk) -> None:
    assert_frame_equal(m002(m002(walk(100))), m002(walk(100)))


def test_a_nan_in_a_bar_counts_as_null(walk: Walk) -> None:
    hole = pl.int_range(pl.len()) == 50
    with_null = walk(120).with_columns(pl.when(hole).then(None).otherwise("close").alias("close"))
    with_nan = with_null.with_columns(pl.col("close").fill_null(float("nan")))

    assert_frame_equal(m002(with_nan), m002(with_null))
    assert m002(with_null).get_column("ret_1").is_null().arg_true().to_list() == [0, 50, 51]


def test_no_bars_give_no_rows(walk: Walk) -> None:
    assert m002(walk(10).clear()).shape == (0, 44)


@pytest.mark.parametrize("column", ["ticker", "ts", "open", "high", "low", "close", "volume"])
def test_a_missing_column_is_named(column: str, walk: Walk) -> None:
    with pytest.raises(SchemaError, match=f"column `{column}` is missing"):
        build_dataset(walk(5).drop(column))


def test_features_that_read_each_other_are_refused(walk: Walk) -> None:
    a, b = (
        Feature(name=name, expression=lambda: pl.col("close"), inputs=(read,), lookback=1, unit="-", meaning="-")
        for name, read in (("a", "b"), ("b", "a"))
    )
    with pytest.raises(SchemaError, match="`a`"):
        build_dataset(walk(5), FeatureSet(name="ring", features=(a, b)))


def test_an_unknown_set_lists_the_known_ones(walk: Walk) -> None:
    with pytest.raises(NotFoundError, match=r"no feature set `m003`.*v1, v2, v3, m002, reversal"):
        build_dataset(walk(5), feature_set="m003")
    assert feature_set("v2") is FEATURE_SETS["v2"]


def test_the_helper_column_does_not_stay(walk: Walk) -> None:
    assert SEGMENT_END not in m002(walk(5)).columns


def test_a_changed_declaration_changes_the_hash() -> None:
    hashes = {definition_hash(each) for each in FEATURE_SETS.values()}
    first = FEATURE_SETS["v1"].features[0]
    longer = Feature(**{name: getattr(first, name) for name in first.__slots__} | {"lookback": 3})
    changed = FeatureSet(name="v1", features=(longer, *FEATURE_SETS["v1"].features[1:]), steps=FEATURE_SETS["v1"].steps)

    assert len(hashes) == 5
    assert definition_hash(changed) != definition_hash(FEATURE_SETS["v1"])


def test_a_changed_line_in_a_users_file_changes_the_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    hashes = []
    for name, rows in (("first_feature_file", 2), ("second_feature_file", 3)):
        (tmp_path / f"{name}.py").write_text(
            f"import polars as pl\ndef lag():\n    return pl.col('close').shift({rows})\n"
        )
        module = __import__(name)
        lag = Feature(name="lag", expression=module.lag, inputs=("close",), lookback=9, unit="price", meaning="-")
        hashes.append(definition_hash(FeatureSet(name="own", features=(lag,))))

    assert hashes[0] != hashes[1]
