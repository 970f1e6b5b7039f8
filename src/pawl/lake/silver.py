"""The silver store: cleaned bars in partitioned Parquet files that no crash, full disk or second writer can spoil.

    silver/timeframe=1d/ticker=BTCUSDT/year=2023/part-0.parquet     one file a partition, replaced in one step
    silver/calendars.json                                           the calendar of every ticker
    quarantine/timeframe=1d/<hash>.parquet                          what was refused, and why

Each partition is always a whole file, old or new, and a merge is idempotent by (ticker, ts): after a crash between two
partitions the same merge, run again, completes it.
"""

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, unquote

import polars as pl

from pawl.errors import NotFoundError, StorageError
from pawl.ids import DatasetHash
from pawl.lake.atomic import clean_leftovers, locked, write_atomically
from pawl.lake.calendar_book import BookedCalendar, CalendarBook
from pawl.lake.merging import reconcile, split_unfinished, stamp_by_ticker
from pawl.lake.quarantine import Quarantine
from pawl.market.bars import SILVER_SCHEMA, Timeframe
from pawl.market.calendars import Calendar, infer_calendar
from pawl.market.fingerprint import hash_bars
from pawl.market.row_rules import sort_out

__all__ = ["Merge", "SilverStore"]

PART = "part-0.parquet"
ENOUGH_TO_INFER = 500  # bars after which an inferred calendar stands, however the next bars look


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """What a merge did; added + replaced + unchanged + quarantined is the number of rows handed in.

    tickers: those with good rows, sorted. reasons: rows in quarantine by reason. calendars: of those tickers.
    """

    added: int
    replaced: int
    unchanged: int
    quarantined: int
    tickers: tuple[str, ...]
    reasons: dict[str, int] = field(default_factory=dict)
    calendars: dict[str, BookedCalendar] = field(default_factory=dict)

    def plus(self, later: "Merge") -> "Merge":
        """This merge and a later one, as if they had been one."""
        return Merge(
            added=self.added + later.added,
            replaced=self.replaced + later.replaced,
            unchanged=self.unchanged + later.unchanged,
            quarantined=self.quarantined + later.quarantined,
            tickers=tuple(sorted({*self.tickers, *later.tickers})),
            reasons=dict(sorted((Counter(self.reasons) + Counter(later.reasons)).items())),
            calendars={**self.calendars, **later.calendars},
        )


class SilverStore:
    """The silver bars of a workspace. root: the workspace; nothing is made in it before the first merge."""

    def __init__(self, root: Path) -> None:
        self._root = root / "silver"
        self._lock = self._root / ".lock"
        self._book = CalendarBook(self._root / "calendars.json")
        self.quarantine = Quarantine(root / "quarantine")

    def timeframes(self) -> list[Timeframe]:
        """The bar lengths that have bars, shortest first."""
        names = [path.name.removeprefix("timeframe=") for path in self._root.glob("timeframe=*")]
        found = [Timeframe.parse(unquote(name)) for name in names]
        return sorted((frame for frame in found if self.tickers(frame)), key=lambda frame: frame.length)

    def tickers(self, timeframe: Timeframe) -> list[str]:
        """The tickers with bars of this length, sorted."""
        folders = {path.parents[1].name for path in self._folder(timeframe).glob(f"ticker=*/year=*/{PART}")}
        return sorted(unquote(name.removeprefix("ticker=")) for name in folders)

    def calendars(self, timeframe: Timeframe) -> dict[str, BookedCalendar]:
        """The calendar of every ticker with bars of this length."""
        known = set(self.tickers(timeframe))
        return {ticker: entry for ticker, entry in self._book.read(timeframe).items() if ticker in known}

    def scan(self, timeframe: Timeframe, tickers: Sequence[str] | None = None) -> pl.LazyFrame:
        """Silver bars, sorted by (ticker, ts): SILVER_SCHEMA. NotFoundError for a ticker that has none.

        tickers: which; None gives all of them, and an empty frame where there are none.
        """
        self._finish_interrupted(timeframe)
        known = self.tickers(timeframe)
        chosen = known if tickers is None else sorted(set(tickers))
        unknown = sorted(set(chosen) - set(known))
        if unknown:
            raise NotFoundError(
                f"no {timeframe} bars of {', '.join(unknown)}", where=str(self._root), fix="list them: pawl data ls"
            )
        return self._scan_parts(path for ticker in chosen for path in self._parts(timeframe, ticker))

    def quarantined(self, timeframe: Timeframe) -> dict[str, int]:
        """Rows in quarantine by ticker, without those that came good later and those that had just not closed yet."""
        kept = self.quarantine.read(timeframe).filter(pl.col("reason") != "unfinished").drop_nulls("ticker")
        stored = self._scan_parts(
            path for ticker in kept["ticker"].unique() for path in self._parts(timeframe, ticker)
        ).select("ticker", "ts")
        lost = kept.lazy().unique(["ticker", "ts"]).join(stored, on=["ticker", "ts"], how="anti")
        counts = lost.group_by("ticker").len().sort("ticker").collect()
        return {str(ticker): int(n) for ticker, n in counts.iter_rows()}

    def content_hash(self, timeframe: Timeframe, tickers: Sequence[str] | None = None) -> DatasetHash:
        """A hash of the bars' values; the layout of files and the order of imports do not change it."""
        return hash_bars(self.scan(timeframe, tickers).collect())

    def merge(
        self, bars: pl.DataFrame, timeframe: Timeframe, calendar: Calendar | None, *, source: str, now: datetime
    ) -> Merge:
        """Merge bars into the store by (ticker, ts); refused rows go to quarantine with a reason.

        bars: BAR_SCHEMA, any order. calendar: of all these tickers; None (`auto`) keeps the one a ticker has, and
        infers that of a new ticker. source: named in quarantine. now: a bar that closes later is refused.
        InputError when the calendar cannot be that of the bars, StorageError when the disk refuses.
        """
        sorted_out = sort_out(bars)
        tickers = sorted_out.good["ticker"].unique().sort().to_list()
        with locked(self._lock):
            entries = self._choose_calendars(sorted_out.good, tickers, timeframe, calendar)
            moved = [ticker for ticker, entry in entries.items() if not entry.is_settled]
            calendars = {ticker: entry.calendar for ticker, entry in entries.items()}
            stamped = stamp_by_ticker(sorted_out.good, calendars, timeframe)
            finished = split_unfinished(stamped.good, now)
            stored = self._stored_beside(finished.good, timeframe, moved)
            restamped = stamp_by_ticker(stored, {ticker: calendars[ticker] for ticker in moved}, timeframe)
            kept = pl.concat([stored.filter(~pl.col("ticker").is_in(moved)), restamped.good])
            merged = reconcile(kept, finished.good)

            refused = pl.concat([sorted_out.bad, stamped.bad, finished.bad, merged.bad])
            self.quarantine.append(pl.concat([refused, restamped.bad]), timeframe, source=source, now=now)
            self._book.write(timeframe, entries)
            touched = pl.concat([merged.changed, stored.filter(pl.col("ticker").is_in(moved)).select("ticker", "ts")])
            self._write_parts(merged.bars, _partitions(touched), timeframe)
            settled = {ticker: entry.model_copy(update={"is_settled": True}) for ticker, entry in entries.items()}
            self._book.write(timeframe, settled)
        return Merge(
            added=merged.n_added,
            replaced=merged.n_replaced,
            unchanged=merged.n_unchanged + sorted_out.n_repeated,
            quarantined=refused.height,
            tickers=tuple(tickers),
            reasons=dict(sorted(Counter(refused["reason"].to_list()).items())),
            calendars=settled,
        )

    def _choose_calendars(
        self, bars: pl.DataFrame, tickers: list[str], timeframe: Timeframe, given: Calendar | None
    ) -> dict[str, BookedCalendar]:
        """The calendar of each ticker; one that differs from the stored bars' is marked as not settled."""
        booked = self.calendars(timeframe)
        entries = {}
        for ticker in tickers:
            old = booked.get(ticker)
            if given is not None:
                new = BookedCalendar(code=given.code, is_inferred=False)
            elif old is not None and not old.is_inferred:
                new = old
            else:
                new = self._infer(bars.filter(pl.col("ticker") == ticker), ticker, timeframe, old)
            is_settled = old is None or (old.is_settled and old.code == new.code)
            entries[ticker] = new.model_copy(update={"is_settled": is_settled})
        return entries

    def _infer(
        self, bars: pl.DataFrame, ticker: str, timeframe: Timeframe, old: BookedCalendar | None
    ) -> BookedCalendar:
        stored = self._scan_parts(self._parts(timeframe, ticker)).select("ts").collect()
        if old is not None and stored.height >= ENOUGH_TO_INFER:
            return old
        ts = pl.concat([stored["ts"], bars["ts"]]).unique()
        return BookedCalendar(code=infer_calendar(ts, timeframe).code, is_inferred=True)

    def _stored_beside(self, bars: pl.DataFrame, timeframe: Timeframe, moved: Iterable[str]) -> pl.DataFrame:
        """The stored bars of the partitions that new bars touch, and all bars of the tickers with a new calendar."""
        paths = {self._part(timeframe, ticker, year) for ticker, year in _partitions(bars)}
        paths.update(path for ticker in moved for path in self._parts(timeframe, ticker))
        return self._scan_parts(sorted(path for path in paths if path.exists())).collect()

    def _finish_interrupted(self, timeframe: Timeframe) -> None:
        """Complete a change of calendar that a crash cut short."""
        if all(entry.is_settled for entry in self.calendars(timeframe).values()):
            return
        with locked(self._lock):
            entries = {ticker: entry for ticker, entry in self.calendars(timeframe).items() if not entry.is_settled}
            stored = self._scan_parts(path for ticker in entries for path in self._parts(timeframe, ticker)).collect()
            calendars = {ticker: entry.calendar for ticker, entry in entries.items()}
            bars = stamp_by_ticker(stored, calendars, timeframe).good
            self._write_parts(bars, _partitions(stored), timeframe)
            settled = {ticker: entry.model_copy(update={"is_settled": True}) for ticker, entry in entries.items()}
            self._book.write(timeframe, settled)

    def _write_parts(self, bars: pl.DataFrame, touched: list[tuple[str, int]], timeframe: Timeframe) -> None:
        # In order of time, so that a crash leaves a beginning and a backfill knows where to go on.
        by_partition = bars.with_columns(year=pl.col("ts").dt.year()).partition_by(
            "ticker", "year", as_dict=True, include_key=True
        )
        for ticker, year in touched:
            path = self._part(timeframe, ticker, year)
            clean_leftovers(path.parent)
            rows = by_partition.get((ticker, year))
            if rows is None:
                _remove(path)
            else:
                buffer = io.BytesIO()
                rows.select(SILVER_SCHEMA.names()).write_parquet(buffer, compression="zstd", statistics=True)
                write_atomically(path, buffer.getvalue())

    def _scan_parts(self, paths: Iterable[Path]) -> pl.LazyFrame:
        files = list(paths)
        if not files:
            return pl.LazyFrame(schema=SILVER_SCHEMA)
        # The ticker stands in the file too: the folder's name is percent-encoded.
        return pl.scan_parquet(files, hive_partitioning=False, glob=False).select(SILVER_SCHEMA.names())

    def _folder(self, timeframe: Timeframe) -> Path:
        return self._root / f"timeframe={timeframe}"

    def _parts(self, timeframe: Timeframe, ticker: str) -> list[Path]:
        return sorted((self._folder(timeframe) / f"ticker={quote(ticker, safe='')}").glob(f"year=*/{PART}"))

    def _part(self, timeframe: Timeframe, ticker: str, year: int) -> Path:
        return self._folder(timeframe) / f"ticker={quote(ticker, safe='')}" / f"year={year:04d}" / PART


def _partitions(keys: pl.DataFrame) -> list[tuple[str, int]]:
    pairs = keys.select("ticker", pl.col("ts").dt.year()).unique().sort("ticker", "ts")
    return [(str(ticker), int(year)) for ticker, year in pairs.iter_rows()]


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"cannot remove: {error.strerror}", where=str(path), fix="make it writable") from error
