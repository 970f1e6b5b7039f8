"""The public archives of Binance: zip files of klines by month and by day, each with its SHA-256 beside it."""

import csv
import hashlib
import io
import zipfile
from datetime import datetime, timedelta

import httpx
import polars as pl

from pawl.errors import SourceError
from pawl.lake.http import get
from pawl.lake.source import BusySourceError, Page, to_bars
from pawl.market.bars import BAR_SCHEMA, UTC_TIME, Timeframe

__all__ = ["BinanceArchive"]

BASE_URL = "https://data.binance.vision"
KLINE_COLUMNS = ("ts", "open", "high", "low", "close", "volume")
FIRST_MICROSECONDS = 10**14  # from 2025 on the spot archives count microseconds; no millisecond is so late before 5138
MAX_UNPACKED_BYTES = 512 * 2**20
DAY = timedelta(days=1)


class BinanceArchive:
    """Spot klines from data.binance.vision. A month at a time; where the month has no file yet, day by day."""

    name = "binance"

    def __init__(self, client: httpx.Client, base_url: str = BASE_URL) -> None:
        self._client = client
        self._base_url = base_url

    def page(self, ticker: str, timeframe: Timeframe, start: datetime, end: datetime) -> Page:
        """The rest of the month or day that start lies in."""
        name = ticker.replace("/", "").upper()
        month = start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        next_month = (month + 32 * DAY).replace(day=1)
        if end >= next_month or start == month:
            rows = self._klines(f"monthly/klines/{name}/{timeframe}/{name}-{timeframe}-{month:%Y-%m}")
            if rows is not None:
                return Page(_within(to_bars(ticker, rows), start, end), next_month)
        day = start.replace(hour=0, minute=0, second=0, microsecond=0)
        rows = self._klines(f"daily/klines/{name}/{timeframe}/{name}-{timeframe}-{day:%Y-%m-%d}")
        bars = pl.DataFrame(schema=BAR_SCHEMA) if rows is None else to_bars(ticker, rows)
        return Page(_within(bars, start, end), day + DAY)

    def _klines(self, path: str) -> dict[str, list[object]] | None:
        url = f"{self._base_url}/data/spot/{path}.zip"
        packed = get(self._client, url)
        if packed is None:
            return None
        self._check_sum(packed, url)
        return _unpack(packed, url)

    def _check_sum(self, packed: bytes, url: str) -> None:
        listed = get(self._client, f"{url}.CHECKSUM")
        if listed is None:
            raise SourceError("the archive lists no checksum for this file", where=url, fix="try again in some hours")
        wanted = listed.decode("ascii", errors="replace").split()[:1]
        found = hashlib.sha256(packed).hexdigest()
        if wanted != [found]:
            raise BusySourceError(
                f"SHA-256 is {found[:12]}…, the archive lists {''.join(wanted)[:12]}…", where=url, fix="try again later"
            )


def _unpack(packed: bytes, url: str) -> dict[str, list[object]]:
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            (member,) = archive.infolist()
            if member.file_size > MAX_UNPACKED_BYTES:
                raise SourceError(f"{member.file_size} bytes unpacked", where=url, fix="not a file of klines")
            text = archive.read(member).decode("ascii")
    except (zipfile.BadZipFile, ValueError) as error:
        raise SourceError(f"not a zip of one CSV file: {error}", where=url, fix="try another source") from error
    # Some files open with a line of names, most do not.
    rows = [row for row in csv.reader(io.StringIO(text)) if row and row[0].isdecimal()]
    if any(len(row) < len(KLINE_COLUMNS) for row in rows):
        raise SourceError("a line with fewer than six values", where=url, fix="try another source")
    columns: dict[str, list[object]] = {name: [row[place] for row in rows] for place, name in enumerate(KLINE_COLUMNS)}
    columns["ts"] = [_microseconds(int(row[0])) for row in rows]
    return columns


def _microseconds(time: int) -> int:
    return time if time >= FIRST_MICROSECONDS else time * 1000


def _within(bars: pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    return bars.filter(pl.col("ts").is_between(pl.lit(start, UTC_TIME), pl.lit(end, UTC_TIME), closed="left"))
