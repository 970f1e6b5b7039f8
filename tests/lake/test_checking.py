"""The checks over a store."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from pawl.errors import CorruptArtifactError
from pawl.lake.checking import check_silver
from pawl.lake.silver import SilverStore
from pawl.market.bars import Timeframe
from pawl.market.calendars import Calendar
from pawl.market.limits import QualityLimits

DAILY, NOW = Timeframe.parse("1d"), datetime(2026, 1, 1, tzinfo=UTC)
MakeBars = Callable[..., pl.DataFrame]


@pytest.fixture
def store(make_bars: MakeBars, tmp_path: Path) -> SilverStore:
    store = SilverStore(tmp_path)
    bars = pl.concat([make_bars("GOOD", 100), make_bars("BAD", 100)])
    is_bad = (pl.col("ticker") == "BAD") & (pl.col("ts").dt.day() == 3)
    store.merge(bars.with_columns(low=pl.when(is_bad).then(-1.0).otherwise("low")), DAILY, None, source="x", now=NOW)
    return store


def test_rows_in_quarantine_count_against_their_ticker(store: SilverStore) -> None:
    report = check_silver(store, DAILY, QualityLimits())
    assert report.failing_tickers == ("BAD",)
    assert {finding.check for finding in report.findings} == {"gaps", "quarantined"}
    assert report.rows == {"BAD": 96, "GOOD": 100}


def test_another_calendar_may_be_tried_without_changing_the_store(store: SilverStore) -> None:
    before = store.content_hash(DAILY)
    report = check_silver(store, DAILY, QualityLimits(), Calendar("XNYS"))
    assert "GOOD" in report.failing_tickers, "crypto trades when New York does not"
    assert store.content_hash(DAILY) == before
    assert store.calendars(DAILY)["GOOD"].code == "24/7"


def test_a_file_of_the_store_that_rotted_is_named(store: SilverStore, tmp_path: Path) -> None:
    part = next((tmp_path / "silver").rglob("part-0.parquet"))
    part.write_bytes(part.read_bytes()[:200])
    with pytest.raises(CorruptArtifactError, match="cannot be read"):
        check_silver(store, DAILY, QualityLimits())


def test_a_ticker_of_which_nothing_is_left_fails(store: SilverStore, make_bars: MakeBars) -> None:
    store.merge(make_bars("LOST").with_columns(low=-pl.col("low")), DAILY, None, source="x", now=NOW)
    report = check_silver(store, DAILY, QualityLimits())
    assert report.failing_tickers == ("BAD", "LOST")
    assert report.rows["LOST"] == 0
