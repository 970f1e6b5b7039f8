"""The files of the silver store: one Parquet file a timeframe, ticker and calendar year, each replaced in one step."""

import io
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote

import polars as pl

from pawl.errors import StorageError
from pawl.lake.atomic import clean_leftovers, write_atomically
from pawl.market.bars import SILVER_SCHEMA, Timeframe

__all__ = ["Partitions", "partitions_of"]

PART = "part-0.parquet"
MOST_OPEN = 256
"""Files that one frame keeps open; systems often allow a process 1,024. A live loop reads fewer. Where a history has
more, reading it may fail while another process replaces a file of it.
"""


class Partitions:
    """`timeframe=1d/ticker=BTCUSDT/year=2023/part-0.parquet` below a root; tickers are percent-encoded in the path."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def timeframes(self) -> list[Timeframe]:
        """The bar lengths that have bars, shortest first."""
        names = [path.name.removeprefix("timeframe=") for path in self.root.glob("timeframe=*")]
        found = [Timeframe.parse(unquote(name)) for name in names]
        return sorted((frame for frame in found if self.tickers(frame)), key=lambda frame: frame.length)

    def tickers(self, timeframe: Timeframe) -> list[str]:
        """The tickers with bars of this length, sorted."""
        folders = {path.parents[1].name for path in self._folder(timeframe).glob(f"ticker=*/year=*/{PART}")}
        return sorted(unquote(name.removeprefix("ticker=")) for name in folders)

    def scan(self, timeframe: Timeframe, tickers: Iterable[str]) -> pl.LazyFrame:
        """The bars of these tickers, in their order and that of time: SILVER_SCHEMA."""
        return _scan(path for ticker in tickers for path in self._files(timeframe, ticker))

    def state(self, timeframe: Timeframe) -> frozenset[tuple[str, int, int]]:
        """Path, time of change (ns) and size of every file: another one as soon as a file is replaced."""
        found = ((path, path.stat()) for path in self._folder(timeframe).glob(f"ticker=*/year=*/{PART}"))
        return frozenset((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in found)

    def scan_beside(self, bars: pl.DataFrame, timeframe: Timeframe, whole: Iterable[str]) -> pl.LazyFrame:
        """The stored bars of the partitions that `bars` touch, and all bars of the tickers in `whole`."""
        paths = {self._file(timeframe, ticker, year) for ticker, year in partitions_of(bars)}
        paths.update(path for ticker in whole for path in self._files(timeframe, ticker))
        return _scan(sorted(path for path in paths if path.exists()))

    def write(self, bars: pl.DataFrame, touched: list[tuple[str, int]], timeframe: Timeframe) -> None:
        """Replace the touched partitions by what `bars`, in any order, hold of them; one left without a bar goes.

        In order of time, so that a crash leaves a beginning and a backfill knows where to go on.
        """
        by_partition = bars.with_columns(year=pl.col("ts").dt.year()).partition_by(
            "ticker", "year", as_dict=True, include_key=True
        )
        for ticker, year in touched:
            path = self._file(timeframe, ticker, year)
            clean_leftovers(path.parent)
            rows = by_partition.get((ticker, year))
            if rows is None:
                _remove(path)
            else:
                buffer = io.BytesIO()
                # The lightest level: a loop writes the year anew with every bar.
                ordered = rows.sort("ts").select(SILVER_SCHEMA.names())
                ordered.write_parquet(buffer, compression="zstd", compression_level=1, statistics=True)
                write_atomically(path, buffer.getvalue())

    def _folder(self, timeframe: Timeframe) -> Path:
        return self.root / f"timeframe={timeframe}"

    def _files(self, timeframe: Timeframe, ticker: str) -> list[Path]:
        return sorted((self._folder(timeframe) / f"ticker={quote(ticker, safe='')}").glob(f"year=*/{PART}"))

    def _file(self, timeframe: Timeframe, ticker: str, year: int) -> Path:
        return self._folder(timeframe) / f"ticker={quote(ticker, safe='')}" / f"year={year:04d}" / PART


def partitions_of(keys: pl.DataFrame) -> list[tuple[str, int]]:
    """The partitions that rows lie in, sorted. keys: ticker and ts at least.

    >>> from datetime import datetime
    >>> partitions_of(pl.DataFrame({"ticker": ["B", "A", "A"], "ts": [datetime(2023, 5, day) for day in (1, 2, 3)]}))
    [('A', 2023), ('B', 2023)]
    """
    pairs = keys.select("ticker", pl.col("ts").dt.year()).unique().sort("ticker", "ts")
    return [(str(ticker), int(year)) for ticker, year in pairs.iter_rows()]


def _scan(paths: Iterable[Path]) -> pl.LazyFrame:
    """The files as they stand now, also where another process replaces one before the frame is collected.

    By its path polars opens a file twice, first for where things lie in it: between the two it may be another file.
    """
    files = list(paths)
    if not files:
        return pl.LazyFrame(schema=SILVER_SCHEMA)
    with ExitStack() as stack:  # the frame keeps the files open by itself
        opened: list[IO[bytes]] = []
        if len(files) <= MOST_OPEN:
            opened = [stack.enter_context(path.open("rb")) for path in files]
        # The ticker stands in the file too: the folder's name is percent-encoded.
        found = pl.scan_parquet(opened or files, hive_partitioning=False, glob=False)
    return found.select(SILVER_SCHEMA.names())


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"cannot remove: {error.strerror}", where=str(path), fix="make it writable") from error
