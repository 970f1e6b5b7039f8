"""The silver store: cleaned bars in partitioned Parquet files that no crash, full disk or second writer can spoil.

    silver/timeframe=1d/ticker=BTCUSDT/year=2023/part-0.parquet     one file a partition, replaced in one step
    silver/calendars.json                                           the calendar of every ticker
    quarantine/timeframe=1d/<hash>.parquet                          what was refused, and why

Each partition is always a whole file, old or new, and a merge is idempotent by (ticker, ts): after a crash between two
partitions the same merge, run again, completes it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from pawl.errors import NotFoundError
from pawl.ids import DatasetHash
from pawl.lake.atomic import locked
from pawl.lake.calendar_book import BookedCalendar, CalendarBook
from pawl.lake.merging import reconcile, split_unfinished, stamp_by_ticker
from pawl.lake.partitions import Partitions, partitions_of
from pawl.lake.quarantine import Quarantine
from pawl.market.bars import Timeframe
from pawl.market.calendars import Calendar, infer_calendar
from pawl.market.fingerprint import hash_bars
from pawl.market.row_rules import sort_out

__all__ = ["Merge", "SilverStore"]

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
        self._partitions = Partitions(self._root)
        self._lock = self._root / ".lock"
        self._book = CalendarBook(self._root / "calendars.json")
        self.quarantine = Quarantine(root / "quarantine")

    def timeframes(self) -> list[Timeframe]:
        """The bar lengths that have bars, shortest first."""
        return self._partitions.timeframes()

    def tickers(self, timeframe: Timeframe) -> list[str]:
        """The tickers with bars of this length, sorted."""
        return self._partitions.tickers(timeframe)

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
        return self._partitions.scan(timeframe, chosen)

    def state(self, timeframe: Timeframe) -> frozenset[tuple[str, int, int]]:
        """What tells, without reading a bar, whether a merge has changed any since: compare two of them."""
        return self._partitions.state(timeframe)

    def quarantined(self, timeframe: Timeframe) -> dict[str, int]:
        """Rows in quarantine by ticker, without those that came good later and those that had just not closed yet."""
        kept = self.quarantine.read(timeframe).filter(pl.col("reason") != "unfinished").drop_nulls("ticker")
        stored = self._partitions.scan(timeframe, kept["ticker"].unique()).select("ticker", "ts")
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
            stored = self._partitions.scan_beside(finished.good, timeframe, moved).collect()
            is_moved = pl.col("ticker").is_in(moved)
            restamped = stamp_by_ticker(stored, {ticker: calendars[ticker] for ticker in moved}, timeframe)
            kept = pl.concat([stored.filter(~is_moved), restamped.good])
            merged = reconcile(kept, finished.good)

            refused = pl.concat([sorted_out.bad, stamped.bad, finished.bad, merged.bad])
            self.quarantine.append(pl.concat([refused, restamped.bad]), timeframe, source=source, now=now)
            self._book.write(timeframe, entries)
            touched = pl.concat([merged.changed, stored.filter(is_moved).select("ticker", "ts")])
            self._partitions.write(merged.bars, partitions_of(touched), timeframe)
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
        stored = self._partitions.scan(timeframe, [ticker]).select("ts").collect()
        if old is not None and stored.height >= ENOUGH_TO_INFER:
            return old
        ts = pl.concat([stored["ts"], bars["ts"]]).unique()
        return BookedCalendar(code=infer_calendar(ts, timeframe).code, is_inferred=True)

    def _finish_interrupted(self, timeframe: Timeframe) -> None:
        """Complete a change of calendar that a crash cut short."""
        if all(entry.is_settled for entry in self.calendars(timeframe).values()):
            return
        with locked(self._lock):
            entries = {ticker: entry for ticker, entry in self.calendars(timeframe).items() if not entry.is_settled}
            stored = self._partitions.scan(timeframe, entries).collect()
            calendars = {ticker: entry.calendar for ticker, entry in entries.items()}
            bars = stamp_by_ticker(stored, calendars, timeframe).good
            self._partitions.write(bars, partitions_of(stored), timeframe)
            settled = {ticker: entry.model_copy(update={"is_settled": True}) for ticker, entry in entries.items()}
            self._book.write(timeframe, settled)
