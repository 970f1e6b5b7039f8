"""The quarantine: append-only, each row with its reason."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from pawl.lake.quarantine import QUARANTINE_SCHEMA, Quarantine
from pawl.market.bars import Timeframe

DAILY, NOW = Timeframe.parse("1d"), datetime(2025, 1, 1, tzinfo=UTC)
MakeBars = Callable[..., pl.DataFrame]


def test_rows_are_kept_once_with_reason_source_and_time(make_bars: MakeBars, tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path)
    rows = make_bars("A", 3).with_columns(reason=pl.lit("ohlc_violation"))
    quarantine.append(rows, DAILY, source="a.csv", now=NOW)
    quarantine.append(rows, DAILY, source="a.csv", now=NOW + timedelta(days=1))
    quarantine.append(rows.head(1), DAILY, source="b.csv", now=NOW)
    kept = quarantine.read(DAILY)
    assert kept.schema == QUARANTINE_SCHEMA
    assert kept.height == 4
    assert set(kept["quarantined_at"]) == {NOW}
    assert quarantine.read(Timeframe.parse("1h")).is_empty()


def test_rows_with_nulls_and_nan_are_kept_as_they_are(make_bars: MakeBars, tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path)
    rows = make_bars("A", 2).with_columns(
        pl.lit(None, pl.String).alias("ticker"), close=pl.lit(float("nan")), reason=pl.lit("null_value")
    )
    quarantine.append(rows, DAILY, source="a.csv", now=NOW)
    assert quarantine.read(DAILY)["close"].is_nan().all()


def test_no_rows_make_no_file(make_bars: MakeBars, tmp_path: Path) -> None:
    Quarantine(tmp_path).append(make_bars("A").clear().with_columns(reason=pl.lit("x")), DAILY, source="a", now=NOW)
    assert not list(tmp_path.iterdir())
