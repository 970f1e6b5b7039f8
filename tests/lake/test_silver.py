"""The silver store: what goes in comes out, once, and nothing else does."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pawl.errors import NotFoundError
from pawl.lake.silver import SilverStore
from pawl.market.bars import BAR_SCHEMA, SILVER_SCHEMA
from pawl.market.calendars import ALWAYS
from pawl.market.simulated import MarketSpec, simulate
from silver_store import DAILY, MakeBars, counts, put


def test_what_goes_in_comes_out_sorted_with_its_close_and_session(store: SilverStore, four_years: pl.DataFrame) -> None:
    merge = put(store, four_years.sample(fraction=1.0, shuffle=True, seed=1))
    assert counts(merge) == (3600, 0, 0, 0)
    assert merge.tickers == ("A", "B", "C")
    silver = store.scan(DAILY).collect()
    assert silver.schema == SILVER_SCHEMA
    assert_frame_equal(silver.select(BAR_SCHEMA.names()), four_years)
    assert (silver["available_at"] - silver["ts"] == timedelta(days=1)).all()
    assert set(silver.select(pl.col("session").diff().over("ticker")).to_series().drop_nulls()) == {1}


def test_the_layout_is_a_folder_a_ticker_and_a_year(
    store: SilverStore, four_years: pl.DataFrame, tmp_path: Path
) -> None:
    put(store, four_years)
    part = tmp_path / "home" / "silver" / "timeframe=1d" / "ticker=B" / "year=2021" / "part-0.parquet"
    assert pl.read_parquet(part, hive_partitioning=False).height == 365
    hive = pl.read_parquet(tmp_path / "home" / "silver" / "**" / "*.parquet", hive_partitioning=True)
    assert hive.height == 3600, "any other tool reads the folder as it lies"


def test_a_second_merge_of_the_same_bars_changes_nothing(
    store: SilverStore, four_years: pl.DataFrame, tmp_path: Path
) -> None:
    put(store, four_years)
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    assert counts(put(store, four_years)) == (0, 0, 3600, 0)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")} == stamps


def test_a_bar_with_new_values_replaces_the_old_one(store: SilverStore, make_bars: MakeBars) -> None:
    put(store, make_bars("A", 10))
    revised = make_bars("A", 10).with_columns(volume=pl.when(pl.int_range(10) < 3).then(9.0).otherwise("volume"))
    assert counts(put(store, revised)) == (0, 3, 7, 0)
    assert_frame_equal(store.scan(DAILY).select(BAR_SCHEMA.names()).collect(), revised)


def test_what_is_read_is_what_stood_there_though_another_process_replaces_it(
    store: SilverStore, four_years: pl.DataFrame
) -> None:
    put(store, four_years)
    before = store.scan(DAILY, ["B"]).select(BAR_SCHEMA.names())
    assert before.collect_schema() == pl.Schema(BAR_SCHEMA)  # so that polars has looked where things lie
    put(store, four_years.with_columns(volume=pl.col("volume") + pl.int_range(pl.len())))
    assert_frame_equal(before.collect(), four_years.filter(ticker="B"))


def test_refused_rows_are_kept_with_reason_and_source(store: SilverStore, make_bars: MakeBars) -> None:
    bars = make_bars("A", 6)
    negative = bars.with_columns(low=pl.when(pl.int_range(6) == 2).then(-1.0).otherwise("low"))
    doubled = pl.concat([negative, bars.filter(pl.int_range(6) == 4).with_columns(close=pl.col("open"))])
    merge = put(store, doubled)
    assert counts(merge) == (4, 0, 0, 3)
    assert merge.reasons == {"conflicting_duplicate": 2, "non_positive_price": 1}
    kept = store.quarantine.read(DAILY)
    assert sorted(kept["reason"]) == ["conflicting_duplicate", "conflicting_duplicate", "non_positive_price"]
    assert set(kept["source"]) == {"test"}
    assert store.quarantined(DAILY) == {"A": 2}, "two bars are missing for it"
    put(store, doubled)
    assert store.quarantine.read(DAILY).height == 3, "the same rows are kept once"
    put(store, bars)
    assert store.quarantined(DAILY) == {}, "they came good"


def test_a_bar_that_has_not_closed_is_not_stored(store: SilverStore, make_bars: MakeBars) -> None:
    now = datetime(2024, 1, 10, 23, 59, tzinfo=UTC)
    merge = put(store, make_bars("A", 10), now=now)
    assert merge.reasons == {"unfinished": 1}
    assert store.scan(DAILY).collect().height == 9
    assert store.quarantined(DAILY) == {}, "an unfinished bar says nothing about the ticker"
    assert counts(put(store, make_bars("A", 10), now=now + timedelta(minutes=1))) == (1, 0, 9, 0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(cuts=st.lists(st.integers(0, 400), max_size=5), seed=st.integers(0, 99))
def test_any_way_of_cutting_an_import_gives_the_same_store(
    cuts: list[int], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bars = simulate(
        MarketSpec(tickers=("A", "B"), start=datetime(2022, 6, 1, tzinfo=UTC), n_bars=200), np.random.default_rng(1)
    ).bars
    whole, cut = (SilverStore(tmp_path_factory.mktemp("store")) for _ in range(2))
    put(whole, bars)
    shuffled = bars.sample(fraction=1.0, shuffle=True, seed=seed)
    edges = [0, *sorted(cuts), shuffled.height]
    pieces = [shuffled[start:end] for start, end in pairwise(edges)]
    merges = [put(cut, piece, ALWAYS) for piece in pieces]
    assert sum(merge.added for merge in merges) == bars.height
    assert cut.content_hash(DAILY) == whole.content_hash(DAILY)
    assert_frame_equal(cut.scan(DAILY).collect(), whole.scan(DAILY).collect())


@pytest.mark.parametrize("name", ["BRK-B", "BTC/USDT", "../x", "..", "a b", "EURUSD=X", "^GSPC", "%2F", "日経"])
def test_any_ticker_name_stays_inside_the_store(
    store: SilverStore, make_bars: MakeBars, tmp_path: Path, name: str
) -> None:
    put(store, make_bars(name))
    assert store.tickers(DAILY) == [name]
    assert store.scan(DAILY, [name]).collect()["ticker"].unique().to_list() == [name]
    assert {path.name for path in tmp_path.iterdir()} == {"home"}
    assert {path.parent.parent.parent.name for path in tmp_path.rglob("part-0.parquet")} == {"timeframe=1d"}


def test_scanning_an_unknown_ticker_names_it(store: SilverStore, make_bars: MakeBars) -> None:
    put(store, make_bars("A"))
    with pytest.raises(NotFoundError, match="no 1d bars of B, C"):
        store.scan(DAILY, ["A", "B", "C"])


def test_an_empty_store_scans_as_no_bars(store: SilverStore, tmp_path: Path) -> None:
    assert store.scan(DAILY).collect().schema == SILVER_SCHEMA
    assert store.tickers(DAILY) == [] and store.timeframes() == [] and store.quarantined(DAILY) == {}
    assert not list(tmp_path.iterdir()), "reading makes nothing"


def test_the_hash_forgets_layout_and_order_of_imports(
    store: SilverStore, four_years: pl.DataFrame, tmp_path: Path
) -> None:
    put(store, four_years)
    other = SilverStore(tmp_path / "other")
    for name in ("C", "A", "B"):
        put(other, four_years.filter(pl.col("ticker") == name).reverse())
    assert other.content_hash(DAILY) == store.content_hash(DAILY)
    assert other.content_hash(DAILY, ["A"]) != store.content_hash(DAILY, ["B"])
