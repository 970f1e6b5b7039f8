"""Files of bars: three formats in, and one clear error for each way a file can be wrong."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pawl.errors import NotFoundError, SchemaError
from pawl.lake.files import find_files, read_bars
from pawl.market.bars import Timeframe

DAILY = Timeframe.parse("1d")
MakeBars = Callable[..., pl.DataFrame]


def write(bars: pl.DataFrame, path: Path) -> Path:
    if path.suffix == ".csv":
        bars.with_columns(pl.col("ts").dt.to_string("iso:strict")).write_csv(path)
    elif path.suffix == ".parquet":
        bars.write_parquet(path)
    else:
        bars.write_ipc(path)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.feather", "a.arrow"])
def test_every_format_gives_the_same_bars(make_bars: MakeBars, tmp_path: Path, name: str) -> None:
    bars = make_bars("BTC/USDT", 20)
    path = write(bars, tmp_path / name)
    assert_frame_equal(read_bars(path, DAILY), bars)
    assert_frame_equal(read_bars(path.rename(tmp_path / name.upper()), DAILY), bars)


@pytest.mark.parametrize(
    "text",
    ["2024-01-01T00:00:00Z", "2024-01-01 00:00:00+00:00", "2024-01-01T09:00:00+09:00", "2024-01-01T00:00:00.000+0000"],
)
def test_a_csv_may_write_its_zone_in_several_ways(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"ticker,ts,open,high,low,close,volume\nA,{text},1,2,1,2,\n")
    bars = read_bars(path, DAILY)
    assert bars["ts"][0] == datetime(2024, 1, 1, tzinfo=UTC)
    assert bars["volume"][0] is None, "an empty field is a null, which quarantine judges"


def test_the_order_and_the_number_types_of_columns_do_not_matter(make_bars: MakeBars, tmp_path: Path) -> None:
    bars = make_bars("A", 3)
    other = bars.with_columns(
        pl.col("volume").cast(pl.Int32), pl.col("ts").dt.cast_time_unit("ms").dt.convert_time_zone("Asia/Tokyo")
    )
    assert_frame_equal(read_bars(write(other.select(reversed(other.columns)), tmp_path / "a.parquet"), DAILY), bars)


def broken(make_bars: MakeBars, tmp_path: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Path:
    return write(change(make_bars("A", 10)), tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("change", "what", "fix"),
    [
        (lambda bars: bars.drop("close", "low"), "missing column `low`, `close`", "the columns are ticker, ts"),
        (lambda bars: bars.with_columns(venue=pl.lit("x")), "unknown column `venue`", "put it into the ticker"),
        (lambda bars: bars.with_columns(pl.col("ts").dt.replace_time_zone(None)), "carry no zone", "write them in UTC"),
        (lambda bars: bars.with_columns(pl.col("ts").dt.date()), "carry no zone", "write them in UTC"),
        (lambda bars: bars.with_columns(pl.col("ts").dt.epoch("ms")), "`ts` should hold a time with its zone", "mend"),
        (lambda bars: bars.with_columns(pl.lit("n/a").alias("open")), "`open` should hold a number.*'n/a'", "mend"),
        (lambda bars: bars.with_columns(pl.lit(1).alias("ticker")), "`ticker` should hold text", "mend"),
        (lambda bars: bars.clear(), "holds no rows", "export it again"),
    ],
)
def test_a_wrong_file_is_one_clear_error(
    make_bars: MakeBars, tmp_path: Path, change: Callable[[pl.DataFrame], pl.DataFrame], what: str, fix: str
) -> None:
    path = broken(make_bars, tmp_path, change)
    with pytest.raises(SchemaError, match=what) as caught:
        read_bars(path, DAILY)
    assert caught.value.where == str(path)
    assert fix in caught.value.fix


@pytest.mark.parametrize("text", ["2024-01-01T00:00:00", "2024-01-01 00:00", "2024-01-01"])
def test_times_without_a_zone_in_a_csv_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"ticker,ts,open,high,low,close,volume\nA,{text},1,2,1,2,3\n")
    with pytest.raises(SchemaError, match="carry no zone"):
        read_bars(path, DAILY)


def test_a_time_that_is_none_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("ticker,ts,open,high,low,close,volume\nA,yesterday,1,2,1,2,3\n")
    with pytest.raises(SchemaError, match="'yesterday'"):
        read_bars(path, DAILY)


@pytest.mark.parametrize("name", ["a.parquet", "a.feather"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_half_written_file_is_refused(make_bars: MakeBars, tmp_path: Path, name: str, share: float) -> None:
    path = write(make_bars("A", 500), tmp_path / name)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(SchemaError, match="cannot be read, it may be half-written"):
        read_bars(path, DAILY)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.feather"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(SchemaError, match=r"empty|half-written"):
        read_bars(tmp_path / name, DAILY)


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    with pytest.raises(SchemaError, match=r"unknown kind of file `\.xlsx`"):
        read_bars(tmp_path / "a.xlsx", DAILY)


@pytest.mark.parametrize(("step", "timeframe"), [("1h", "1d"), ("1d", "1h"), ("1d", "7d"), ("5m", "15m"), ("1m", "1h")])
def test_the_wrong_timeframe_is_noticed_from_the_spacing(
    make_bars: MakeBars, tmp_path: Path, step: str, timeframe: str
) -> None:
    bars = make_bars("A", 50, step=Timeframe.parse(step).length)
    with pytest.raises(SchemaError, match=f"the bars are not {timeframe} long"):
        read_bars(write(bars, tmp_path / "a.parquet"), Timeframe.parse(timeframe))


def test_gaps_and_weekends_are_no_wrong_timeframe(make_bars: MakeBars, tmp_path: Path) -> None:
    holes = make_bars("A", 60).filter(pl.col("ts").dt.weekday() <= 5, pl.int_range(60) % 7 != 0)
    assert read_bars(write(holes, tmp_path / "a.parquet"), DAILY).height == holes.height
    friday_and_monday = make_bars("A", 2, start=datetime(2024, 1, 5, tzinfo=UTC), step=timedelta(days=3))
    assert read_bars(write(friday_and_monday, tmp_path / "b.parquet"), DAILY).height == 2


def test_a_folder_gives_its_files_and_an_empty_one_an_error(make_bars: MakeBars, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    files = [write(make_bars("A"), tmp_path / "b.parquet"), write(make_bars("B"), tmp_path / "deep" / "a.csv")]
    (tmp_path / "README.md").write_text("not bars")
    assert find_files([tmp_path, tmp_path / "b.parquet"]) == sorted(files)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match=r"no \.csv, \.parquet"):
        find_files([tmp_path / "empty"])
    with pytest.raises(NotFoundError, match="no such file or folder"):
        find_files([tmp_path / "absent.csv"])


@pytest.mark.parametrize(
    ("file", "what"), [("perp_1h_by_venue", "unknown column `venue`"), ("fx_1h_broker_time", "carry no zone")]
)
def test_the_real_files_that_cannot_be_used_are_refused(shared_data: Path, file: str, what: str) -> None:
    with pytest.raises(SchemaError, match=what):
        read_bars(shared_data / "bars" / f"{file}.parquet", Timeframe.parse("1h"))
