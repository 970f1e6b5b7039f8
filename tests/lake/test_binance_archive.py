"""The archives of Binance, in their true wire format, from a server that misbehaves."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from pawl.errors import SourceError
from pawl.lake.backfill import BackfillOrder, Patience, run_backfill
from pawl.lake.binance_archive import BinanceArchive
from pawl.lake.silver import Merge, SilverStore
from pawl.lake.source import BusySourceError
from pawl.market.bars import Timeframe

DAILY = Timeframe.parse("1d")
LISTED = datetime(2024, 11, 20, tzinfo=UTC)
UNTIL = datetime(2025, 2, 10, tzinfo=UTC)  # February has no monthly file yet


def line(day: datetime) -> str:
    # From 2025 on the spot archives count microseconds.
    scale = 1_000_000 if day.year >= 2025 else 1000
    start, end = int(day.timestamp()) * scale, int((day + timedelta(days=1)).timestamp()) * scale - 1
    price = 90_000 + (day - LISTED).days
    return f"{start},{price}.10000000,{price + 9}.5,{price - 9}.5,{price + 1}.0,123.45000000,{end},1.0,99,2.0,3.0,0"


def days(first: datetime, last: datetime) -> Iterator[datetime]:
    while first < last:
        yield first
        first += timedelta(days=1)


def packed(name: str, lines: list[str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.csv", "\n".join(lines) + "\n")
    return buffer.getvalue()


def archive_files() -> dict[str, bytes]:
    files = {}
    for year, month in ((2024, 11), (2024, 12), (2025, 1)):
        first = datetime(year, month, 1, tzinfo=UTC)
        after = (first + timedelta(days=32)).replace(day=1)
        header = (
            ["open_time,open,high,low,close,volume,close_time,quote_volume,count,a,b,ignore"] if month == 12 else []
        )
        name = f"BTCUSDT-1d-{year}-{month:02d}"
        files[f"/data/spot/monthly/klines/BTCUSDT/1d/{name}.zip"] = packed(
            name, header + [line(day) for day in days(max(first, LISTED), after)]
        )
    for day in days(datetime(2025, 2, 1, tzinfo=UTC), UNTIL):
        name = f"BTCUSDT-1d-{day:%Y-%m-%d}"
        files[f"/data/spot/daily/klines/BTCUSDT/1d/{name}.zip"] = packed(name, [line(day)])
    sums = {
        f"{path}.CHECKSUM": f"{hashlib.sha256(body).hexdigest()}  {path.rsplit('/', 1)[1]}\n".encode()
        for path, body in files.items()
    }
    return {**files, **sums}


@pytest.fixture
def source(wire: Any, answer: Any) -> Iterator[BinanceArchive]:
    files = archive_files()
    wire.route = lambda path, query: answer(files[path]) if path in files else answer(status=404)
    with httpx.Client(timeout=1.5) as client:
        yield BinanceArchive(client, wire.url)


def fill(source: BinanceArchive, home: Path, start: datetime = LISTED) -> Merge:
    order = BackfillOrder(tickers=("BTCUSDT",), timeframe=DAILY, start=start, end=UNTIL)
    patience = Patience(sleep=lambda seconds: None)
    return run_backfill(
        SilverStore(home), source, order, patience, datetime(2025, 6, 1, tzinfo=UTC), lambda what, done: None
    )


def test_months_then_days_in_both_units_of_time(source: BinanceArchive, tmp_path: Path) -> None:
    merge = fill(source, tmp_path)
    assert (merge.added, merge.quarantined) == (82, 0)
    bars = SilverStore(tmp_path).scan(DAILY).collect()
    assert bars["ts"].to_list() == list(days(LISTED, UNTIL))
    assert set(bars["session"].diff().drop_nulls()) == {1}
    new_year = bars.filter(pl.col("ts") == datetime(2025, 1, 1, tzinfo=UTC))
    assert new_year.select("open", "high", "low", "close", "volume").row(0) == (
        90042.1,
        90051.5,
        90033.5,
        90043.0,
        123.45,
    )


def test_days_before_the_listing_are_asked_for_and_passed(source: BinanceArchive, tmp_path: Path) -> None:
    assert fill(source, tmp_path, start=datetime(2024, 8, 15, tzinfo=UTC)).added == 82


def test_a_month_that_is_needed_in_part_is_fetched_whole_and_cut(source: BinanceArchive) -> None:
    start = datetime(2024, 12, 30, tzinfo=UTC)
    page = source.page("BTCUSDT", DAILY, start, UNTIL)
    assert page.bars["ts"].to_list() == [start, start + timedelta(days=1)]
    assert page.next_start == datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 429, "headers": {"Retry-After": "3"}},
        {"body": b"x" * 1000, "is_cut": True},
        {"body": b"late", "delay_sec": 3.0},
        {"body": b"not the file that was listed"},
    ],
    ids=["500", "429", "cut short", "too slow", "wrong checksum"],
)
def test_a_fault_that_passes_is_ridden_out(
    source: BinanceArchive, wire: Any, answer: Any, tmp_path: Path, fault: dict[str, Any]
) -> None:
    wire.is_faulty = lambda path: path.endswith("2024-12.zip")
    wire.faults = [answer(**fault)] * 2
    assert fill(source, tmp_path).added == 82
    assert wire.faults == []


def test_a_wrong_checksum_that_stays_stores_nothing_of_the_file(
    source: BinanceArchive, wire: Any, answer: Any, tmp_path: Path
) -> None:
    wire.is_faulty = lambda path: path.endswith("2024-12.zip.CHECKSUM")
    wire.faults = [answer(b"0" * 64 + b"  BTCUSDT-1d-2024-12.zip")] * 6
    with pytest.raises(BusySourceError, match="SHA-256 is"):
        fill(source, tmp_path)
    stored = SilverStore(tmp_path).scan(DAILY).collect()
    assert stored["ts"].max() == datetime(2024, 11, 30, tzinfo=UTC), "what came before it stands"
    assert fill(source, tmp_path).added == 82 - stored.height, "and a later run goes on"


def test_the_wait_that_the_server_asks_for_is_passed_on(source: BinanceArchive, wire: Any, answer: Any) -> None:
    wire.faults = [answer(status=429, headers={"Retry-After": "7"})]
    with pytest.raises(BusySourceError) as caught:
        source.page("BTCUSDT", DAILY, LISTED, UNTIL)
    assert caught.value.retry_after_sec == 7.0


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"no zip at all", "not a zip"),
        (packed("a", ["1732060800000,1,2"]), "fewer than six"),
        (packed("a", ["1732060800000,x,y,z,1,1"]), "no bars"),
    ],
)
def test_a_file_with_the_right_checksum_and_wrong_content_is_refused(
    source: BinanceArchive, wire: Any, answer: Any, body: bytes, what: str
) -> None:
    checksum = hashlib.sha256(body).hexdigest().encode()
    wire.route = lambda path, query: answer(checksum if path.endswith("CHECKSUM") else body)
    with pytest.raises(SourceError, match=what):
        source.page("BTCUSDT", DAILY, LISTED, UNTIL)


def test_a_file_without_a_listed_checksum_is_refused(source: BinanceArchive, wire: Any, answer: Any) -> None:
    wire.route = lambda path, query: answer(status=404) if path.endswith("CHECKSUM") else answer(packed("a", []))
    with pytest.raises(SourceError, match="lists no checksum"):
        source.page("BTCUSDT", DAILY, LISTED, UNTIL)
