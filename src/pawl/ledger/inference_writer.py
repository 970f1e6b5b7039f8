"""Writes inferences, many in one transaction and so one flush: in the caller's thread, or in one that writes for all.

An inference is written only while the version that made it is still the one to ask: a move of the alias, or the end of
a test, sends those that came before it back to be made again.
"""

import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, fields
from enum import StrEnum
from itertools import groupby
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from pawl.errors import PawlError, RefusalError, StorageError
from pawl.ledger.chain import CHAINS, Head, append_behind, lock_head, month_of, move_head, sealed_rows
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import inference_logs
from pawl.ledger.driver_sql import insert_rows, standing_keys
from pawl.ledger.inferences import Inference
from pawl.ledger.traffic import Arm, TrafficMark, count_predictions, traffic_mark

__all__ = ["Entry", "Filed", "InferenceWriter", "file_entries"]

MOST_AT_ONCE = 256
CHAIN = CHAINS[inference_logs.name]
COLUMNS = tuple(one.name for one in fields(Inference))


class Filed(StrEnum):
    """What became of an entry."""

    WRITTEN = "written"
    STANDING = "standing"  # the same inference, tried again
    OUTDATED = "outdated"  # another version may have to answer by now; nothing was written


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """inference: its trace is its own. routed_by: the state of the traffic that chose its version; None where the
    caller named it. arm: of the test that drew it; counted once, however often it is tried again.
    """

    inference: Inference
    routed_by: TrafficMark | None
    arm: Arm | None = None


@dataclass(frozen=True, slots=True)
class _Waiting:
    entry: Entry
    future: "Future[Filed]" = field(default_factory=Future)


class InferenceWriter:
    """Files entries in the order in which they came, each durable when its future is done."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._at_once = _AtOnce(ledger) if ledger.engine.dialect.name == "sqlite" else None
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._door, self._is_closed = threading.Lock(), False
        self._thread = threading.Thread(target=self._run, name="inference-writer", daemon=True)
        self._thread.start()

    def file_now(self, entries: Sequence[Entry]) -> list[Filed] | None:
        """File them in this thread, always the same one: what became of each; None where that would take a wait.

        On SQLite a transaction of its own is shorter than the way to another thread and back, and while it is flushed
        the next entries gather. Whatever another writer, the network or a fault would hold up is left to `submit`.
        """
        return None if self._at_once is None else self._at_once.file(entries)

    def submit(self, entry: Entry) -> "Future[Filed]":
        """What became of it; PawlError where the ledger refuses it."""
        waiting = _Waiting(entry)
        with self._door:
            if self._is_closed:
                raise RefusalError("this writer is closed", where="inference writer", fix="open another one")
            self._queue.put(waiting)
        return waiting.future

    def close(self) -> None:
        """Write what still waits, and end."""
        with self._door:
            if not self._is_closed:
                self._is_closed = True
                self._queue.put(None)
        self._thread.join()
        if self._at_once is not None:
            self._at_once.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        is_open = True
        while is_open:
            taken, is_open = self._take()
            # Whoever gave up while it waited gets nothing written.
            batch = [one for one in taken if one.future.set_running_or_notify_cancel()]
            if batch:
                self._write(batch)

    def _take(self) -> tuple[list[_Waiting], bool]:
        """What waits now, at least one and at most `MOST_AT_ONCE`; False behind the last of all."""
        taken: list[_Waiting] = []
        one = self._queue.get()
        while one is not None:
            taken.append(one)
            if len(taken) == MOST_AT_ONCE:
                return taken, True
            try:
                one = self._queue.get_nowait()
            except Empty:
                return taken, True
        return taken, False

    def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            with self._ledger.transaction() as tx:
                filed = file_entries(tx, [one.entry for one in batch])
        except StorageError as error:
            _tell_all(batch, error)
        except Exception as error:  # noqa: BLE001 - the outer loop of a worker, for which everybody waits
            if len(batch) == 1:
                _tell_all(batch, error)
                return
            for one in batch:  # whoever spoilt it stands alone, and the others are written
                self._write([one])
        else:
            for one, what in zip(batch, filed, strict=True):
                one.future.set_result(what)


@dataclass(slots=True)
class _Seen:
    """What a connection knows of the ledger while nobody else has written. version: SQLite's count of the others."""

    version: int
    mark: TrafficMark
    heads: dict[str, Head] = field(default_factory=dict)


class _AtOnce:
    """A connection to SQLite that is kept, and waits for nobody.

    Nothing is looked up again while no other connection has committed, which SQLite counts: then the mark and the ends
    of the chains are those that this one has left.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._kept: tuple[sa.Connection, sqlite3.Connection] | None = None
        self._seen: _Seen | None = None

    def file(self, entries: Sequence[Entry]) -> list[Filed] | None:
        """What became of each; None, and nothing written, where it did not go through at once."""
        tx, driver = self._connection()
        for way in (self._file_new, self._file_any):
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:  # another writes
                return None
            try:
                filed = way(tx, driver, entries)
                if filed is not None:
                    driver.execute("COMMIT")
                    return filed
            except (PawlError, sqlite3.Error, sa.exc.SQLAlchemyError):  # whoever repeats it will say why
                return None
            finally:
                if driver.in_transaction:
                    self._seen = None
                    driver.execute("ROLLBACK")
        return None

    def close(self) -> None:
        """Let go of it."""
        if self._kept is not None:
            self._kept[0].invalidate()  # never handed to somebody who would wait
            self._kept[0].close()

    def _file_new(self, tx: sa.Connection, driver: sqlite3.Connection, entries: Sequence[Entry]) -> list[Filed] | None:
        """Entries of one month that all rest on the traffic as it is; None where they do not, or one stands already."""
        month = month_of(entries[0].inference.created_at)
        seen = self._look(tx, driver)
        if any(
            entry.routed_by not in (None, seen.mark) or month_of(entry.inference.created_at) != month
            for entry in entries
        ):
            return None
        head = seen.heads.get(month) or lock_head(tx, inference_logs.name, month)
        rows, head = sealed_rows(CHAIN, month, head, [_row(entry.inference) for entry in entries])
        try:
            insert_rows(tx, inference_logs, rows)
        except sa.exc.IntegrityError:
            return None
        move_head(tx, inference_logs.name, month, head)
        count_predictions(tx, [entry.arm for entry in entries if entry.arm is not None])
        seen.heads[month] = head
        return [Filed.WRITTEN] * len(entries)

    def _file_any(self, tx: sa.Connection, driver: sqlite3.Connection, entries: Sequence[Entry]) -> list[Filed]:
        self._seen = None
        return file_entries(tx, entries)

    def _look(self, tx: sa.Connection, driver: sqlite3.Connection) -> _Seen:
        (version,) = driver.execute("PRAGMA data_version").fetchone()
        if self._seen is None or self._seen.version != version:
            self._seen = _Seen(version, traffic_mark(tx))
        return self._seen

    def _connection(self) -> tuple[sa.Connection, sqlite3.Connection]:
        if self._kept is None:
            tx = self._ledger.engine.connect()
            driver = tx.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.execute("PRAGMA busy_timeout = 0")
            # KiB. Ids and hashes fall anywhere in their indexes: at SQLite's own 2 MB every row reads its pages again.
            driver.execute("PRAGMA cache_size = -65536")
            self._kept = tx, driver
        return self._kept


def file_entries(tx: sa.Connection, entries: Sequence[Entry]) -> list[Filed]:
    """Write entries behind the chain of their months; what became of each, in their order."""
    months = sorted({month_of(entry.inference.created_at) for entry in entries})
    # Whoever writes the same inferences at this moment waits here, and then finds them standing.
    heads = {month: lock_head(tx, inference_logs.name, month) for month in months}
    mark = traffic_mark(tx) if any(entry.routed_by for entry in entries) else None
    ids = [entry.inference.inference_id for entry in entries if entry.routed_by in (None, mark)]
    known = set(standing_keys(tx, inference_logs.c.inference_id, set(ids)))
    filed, new = [], []
    for entry in entries:
        if entry.routed_by not in (None, mark):
            filed.append(Filed.OUTDATED)
        elif entry.inference.inference_id in known:
            filed.append(Filed.STANDING)
        else:
            known.add(entry.inference.inference_id)
            new.append(entry)
            filed.append(Filed.WRITTEN)
    rows = sorted((_row(entry.inference) for entry in new), key=_month)
    for month, of_month in groupby(rows, key=_month):
        append_behind(tx, CHAIN, month, heads[month], list(of_month))
    count_predictions(tx, [entry.arm for entry in new if entry.arm is not None])
    return filed


def _tell_all(batch: Sequence[_Waiting], error: Exception) -> None:
    for one in batch:
        one.future.set_exception(error)


def _row(inference: Inference) -> dict[str, Any]:
    return {name: getattr(inference, name) for name in COLUMNS}


def _month(row: dict[str, Any]) -> str:
    return month_of(row[CHAIN.dated_by])
