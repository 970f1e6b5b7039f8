"""What a durable write costs, against the disk and the database below it; and a ledger of a million events.

    python bench/ledger.py [--seconds 5] [--rounds 3] [--rows 1000000] [--only sqlite postgresql million] [--json FILE]

An append is one decision of a user: its row, its event of 660 bytes of JSON, the hash, the head of the chain; checked,
redacted, and durable when it returns. In every round, one after the other and in one folder, so that a neighbour's load
falls on all alike. SQLite: a loop of `write` of 4 KiB and `fdatasync`; the rows of decisions that were checked and
sealed before, which is all that can be had; one writer in its own thread; 64 through the group writer, as coroutines of
one loop (so the service has them) and as threads. PostgreSQL (fsync on, TCP, the server's data in the same folder):
`pgbench` with a script that inserts one row of the same size, 1 and 16 clients, each on a connection of its own; one
writer in its own thread; 16 through the group writer and its one connection, as coroutines and as threads. Figures are
medians of the rounds, each a ratio within its round. The million: chains of three events written in bulk, then single
traces looked up, and all verified.
"""

import argparse
import asyncio
import json
import os
import resource
import secrets
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import uvloop
from rich.console import Console
from rich.table import Table

from pawl.ledger.chain import CHAINS, append_chained
from pawl.ledger.chain_check import check_chains
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import decision_trajectories, inference_logs
from pawl.ledger.direct_writer import DirectWriter
from pawl.ledger.driver_sql import insert_rows
from pawl.ledger.event_payloads import (
    EventPayload,
    FrozenContext,
    Recommendation,
    SignalConverted,
    SignalTracked,
    TradeClosed,
)
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.group_writer import GroupWriter
from pawl.ledger.identity import id_text, identity
from pawl.ledger.primary_rows import Whose, entry_row, signal_row, trade_row
from pawl.ledger.short_way import NewRows, ShortWay
from pawl.ledger.sqlite_store import SqliteStore
from pawl.ledger.trade_tables import pnl_entries, quick_trades, tracked_signals
from pawl.ledger.write_commands import TrackSignal, row_id
from pawl.ledger.write_rules import prepare
from postgres_server import pgbench, server

MOST_A_SECOND = 9_000  # that are made beforehand
USER = identity("user", "bench")
START = datetime(2024, 1, 1, tzinfo=UTC)
ADVICE = Recommendation(
    direction="long", confidence=0.71, sl_bps=120.0, tp_bps=(180.0, 240.0), leverage=3.0, max_position_pct=8.0,
    rationale_hash="a" * 64,
)  # fmt: skip
CONTEXT = FrozenContext(volatility=0.012, funding=0.0001, market_regime="up/high", session_band="asia", known_at=START)
LIMITS = {
    "SQLite, one writer / fdatasync": (0.7, "≥"),
    "SQLite, 64 writers / fdatasync": (2.0, "≥"),
    "SQLite, p99 of one writer / p99 of write + fdatasync": (5.0, "≤"),
    "PostgreSQL, one client / pgbench with 1": (0.3, "≥"),
    "PostgreSQL, 16 clients / pgbench with 16": (0.6, "≥"),
    "PostgreSQL, p99 of one client / p99 of write + fdatasync": (5.0, "≤"),
    "one trace of the million, ms": (50.0, "≤"),
}


def now() -> datetime:
    """The wall clock, as in the service."""
    return datetime.now(UTC)


def track(key: str) -> TrackSignal:
    """A decision that is new, and of now."""
    at = now()
    payload = SignalTracked(
        request_hash="b" * 64, ticker="BTCUSDT", signal_id=id_text(row_id("signal", USER, key, at)), decided_at=at,
        decision_price=42_000.0, horizon_sec=86_400, recommendation=ADVICE, context=CONTEXT,
    )  # fmt: skip
    return TrackSignal(user_id=USER, key=key, occurred_at=at, payload=payload)


def timed(work: Callable[[str], object], seconds: float) -> list[float]:
    """How long each call took, one after the other, for so long. work: is handed a name of its own."""
    took, run, until = [], secrets.token_hex(4), time.perf_counter() + seconds
    while (began := time.perf_counter()) < until:
        work(f"{run}/{len(took)}")
        took.append(time.perf_counter() - began)
    return took


def rate(took: list[float]) -> float:
    """Calls a second."""
    return len(took) / sum(took)


def p99(took: list[float]) -> float:
    """Seconds."""
    return quantiles(took, n=100)[98]


def at_once(work: Callable[[str], object], n: int, seconds: float) -> float:
    """Calls a second of n threads together."""
    counts = [0] * n

    def one(number: int) -> None:
        counts[number] = len(timed(work, seconds))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(n)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def coroutines_at_once(writer: GroupWriter, n: int, seconds: float) -> float:
    """Decisions a second of n coroutines on one loop, as in the service."""

    async def all_of_them() -> int:
        run, until = secrets.token_hex(4), time.perf_counter() + seconds

        async def one(number: int) -> int:
            count = 0
            while time.perf_counter() < until:
                await writer.write(track(f"{run}/{number}/{count}"))
                count += 1
            return count

        return sum(await asyncio.gather(*(one(number) for number in range(n))))

    began = time.perf_counter()
    return uvloop.run(all_of_them()) / (time.perf_counter() - began)


@contextmanager
def syncing(folder: Path) -> Iterator[Callable[[str], object]]:
    """A write of a page behind the last one, on disk when it returns."""
    handle, page = os.open(folder / "pages", os.O_CREAT | os.O_WRONLY | os.O_TRUNC), b"x" * 4096

    def sync(_: str) -> None:
        os.write(handle, page)
        os.fdatasync(handle)

    yield sync
    os.close(handle)


def appending(writer: GroupWriter) -> Callable[[str], object]:
    """A decision, durable when it returns."""
    return lambda key: writer.write_and_wait(track(key))


def writing(writer: DirectWriter) -> Callable[[str], object]:
    """The same in this very thread."""
    return lambda key: writer.write(track(key))


class Keeping:
    """A store that keeps what it is to write."""

    def __init__(self) -> None:
        self.kept: list[NewRows] = []

    def begin(self, new: NewRows) -> None:
        """Keep it."""
        self.kept.append(new)

    def finish(self, _: NewRows) -> bool:
        """As if it were written."""
        return True

    def close(self) -> None:
        """Nothing is open."""


def made_beforehand(ledger: Ledger, store: SqliteStore, seconds: float) -> Callable[[str], object]:
    """What SQLite and its driver take of a decision: the same rows in the same tables, checked and sealed before."""
    with DirectWriter(ledger, now) as writer:
        writer.write(track(secrets.token_hex(8)))  # the chain of the month has begun
    run, keeping = secrets.token_hex(4), Keeping()
    short = ShortWay(ledger, keeping)
    for number in range(int(MOST_A_SECOND * seconds)):
        short.append([prepare(track(f"{run}/{number}"))], now())
    rows = iter(keeping.kept)
    return lambda _: store.finish(next(rows))


def on_sqlite(folder: Path, rounds: int, seconds: float) -> list[dict[str, float]]:
    """The figures of every round."""
    ledger, found = Ledger.open(folder / "sqlite"), []
    with (
        DirectWriter(ledger, now) as direct, GroupWriter(ledger, now) as writer,
        syncing(folder) as sync, closing(Ledger.open(folder / "made")) as twin, closing(SqliteStore(twin)) as store,
    ):  # fmt: skip
        timed(appending(writer), 0.5)
        for _ in range(rounds):
            bare_commit = made_beforehand(twin, store, seconds)
            disk, bare = timed(sync, seconds), timed(bare_commit, seconds)
            alone = timed(writing(direct), seconds)
            many, threads = coroutines_at_once(writer, 64, seconds), at_once(appending(writer), 64, seconds)
            found.append(
                {
                    "fdatasync a second": rate(disk),
                    "SQLite itself, rows made beforehand / fdatasync": rate(bare) / rate(disk),
                    "SQLite, one writer / fdatasync": rate(alone) / rate(disk),
                    "SQLite, 64 writers / fdatasync": many / rate(disk),
                    "SQLite, 64 writers, a thread each / fdatasync": threads / rate(disk),
                    "SQLite, p99 of one writer / p99 of write + fdatasync": p99(alone) / p99(disk),
                }
            )
    whole(ledger)
    return found


def on_postgresql(folder: Path, rounds: int, seconds: float) -> list[dict[str, float]]:
    """The figures of every round."""
    found = []
    with server(folder) as (url, binaries), syncing(folder) as sync:
        ledger = Ledger(url)
        ledger.make_current()
        with ledger.transaction() as tx:
            columns = "event_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), said text, payload jsonb"
            tx.execute(sa.text(f"CREATE TABLE bench_rows ({columns})"))
        payload = json.dumps(track("x").payload.model_dump(mode="json"))
        insert = f"INSERT INTO bench_rows (said, payload) VALUES ('{'x' * 600}', '{payload}');"
        (folder / "insert.sql").write_text(insert)
        with DirectWriter(ledger, now) as direct, GroupWriter(ledger, now) as writer:
            timed(appending(writer), 0.5)
            for _ in range(rounds):
                disk, bare = timed(sync, seconds), pgbench(url, binaries, folder, 1, seconds)
                alone = timed(writing(direct), seconds)
                bare_16, many = pgbench(url, binaries, folder, 16, seconds), coroutines_at_once(writer, 16, seconds)
                threads = at_once(appending(writer), 16, seconds)
                found.append(
                    {
                        "pgbench with 1, a second": bare,
                        "pgbench with 16, a second": bare_16,
                        "PostgreSQL, one client / pgbench with 1": rate(alone) / bare,
                        "PostgreSQL, 16 clients / pgbench with 16": many / bare_16,
                        "PostgreSQL, 16 clients, a thread each / pgbench with 16": threads / bare_16,
                        "PostgreSQL, p99 of one client / p99 of write + fdatasync": p99(alone) / p99(disk),
                    }
                )
        whole(ledger)
    return found


def whole(ledger: Ledger) -> None:
    """Nothing is measured that broke a chain."""
    with ledger.reading() as tx:
        report = check_chains(tx)
    if report.breaks:
        raise SystemExit(f"broken: {report.breaks[0]}")
    ledger.close()


def a_million(folder: Path, rows: int) -> dict[str, float]:
    """A ledger of so many events: how long its verification takes, and one trace."""
    ledger = Ledger.open(folder / "million")
    began = time.perf_counter()
    for first in range(0, rows // 3, 10_000):
        with ledger.transaction() as tx:
            tx.exec_driver_sql("PRAGMA cache_size = -200000")
            write_lives(tx, range(first, min(first + 10_000, rows // 3)))
    built = time.perf_counter() - began
    with ledger.reading() as tx:
        took = timed(lambda _: look_up(tx, f"u/{secrets.randbelow(rows // 3)}"), 5.0)
        began = time.perf_counter()
        report = check_chains(tx)
    if report.breaks:
        raise SystemExit(f"broken: {report.breaks[0]}")
    return {
        "one trace of the million, ms": p99(took) * 1e3,
        "the same, median, ms": median(took) * 1e3,
        "chained rows": report.rows,
        "rows built a second": report.rows / built,
        "rows verified a second": report.rows / (time.perf_counter() - began),
        "MiB at the peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def write_lives(tx: sa.Connection, numbers: range) -> None:
    """A signal, its trade and its end, for each number."""
    signals, trades, entries, events = [], [], [], []
    for number in numbers:
        signal, trade, entry = (identity(kind, number) for kind in ("signal", "trade", "pnl"))
        at = START + timedelta(seconds=15 * number)
        whose = Whose(USER, f"u/{number}", None, at)
        tracked = track("x").payload.model_copy(update={"signal_id": str(signal), "decided_at": at})
        shared = {"request_hash": "b" * 64, "ticker": "BTCUSDT", "trade_id": str(trade)}
        converted = SignalConverted(
            **shared, signal_id=str(signal), side="long", size=1_000.0, entry_price=42_000.0, opened_at=at
        )
        closed = TradeClosed(
            **shared, entry_id=str(entry), decision_id=str(signal), exit_price=43_000.0, closed_at=at, pnl=1.0,
            pnl_bps=100.0, max_drawdown_bps=1.0, hold_sec=0, move_bps=100.0,
        )  # fmt: skip
        signals.append(signal_row(signal, whose, tracked) | {"status": "converted", "converted_at": at})
        trades.append(
            trade_row(trade, whose, converted, tracked.decision_price, signal)
            | {"status": "closed", "closed_at": at, "exit_price": 43_000.0}
        )
        entries.append(entry_row(entry, whose, closed, trade))
        events += [
            event(whose, "signal.tracked", tracked_signals, signal, tracked),
            event(whose, "signal.converted", quick_trades, trade, converted),
            event(whose, "trade.closed", pnl_entries, entry, closed),
        ]
    insert_rows(tx, tracked_signals, signals)
    insert_rows(tx, quick_trades, trades)
    append_chained(tx, pnl_entries, entries)
    append_chained(tx, event_outbox, events)


def event(whose: Whose, kind: str, table: sa.Table, source: UUID, said: EventPayload) -> dict[str, Any]:
    """A row of the outbox."""
    return {
        "event_id": identity("event", source), "user_id": USER, "trace_id": whose.trace_id, "inference_id": None,
        "source_table": table.name, "source_event_id": source, "event_type": kind,
        "payload": said.model_dump(mode="json"), "occurred_at": whose.recorded_at, "recorded_at": whose.recorded_at,
    }  # fmt: skip


def look_up(tx: sa.Connection, trace_id: str) -> None:
    """Everything that hangs on one trace; signals and trades are named by its events."""
    found, named = 0, defaultdict(list)
    for table in (one.table for one in CHAINS.values() if "trace_id" in one.table.c):
        rows = tx.execute(sa.select(table).where(table.c.trace_id == trace_id)).all()
        found += len(rows)
        for row in rows if table is event_outbox else ():
            named[row.source_table].append(row.source_event_id)
    for table in (tracked_signals, quick_trades):
        key = next(iter(table.primary_key))
        found += len(tx.execute(sa.select(table).where(key.in_(named[table.name]))).all())
    assert found == 6, (trace_id, found, inference_logs.name, decision_trajectories.name)


def main() -> None:
    """Measure, print each figure beside its limit, and write JSON where asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="+", default=["sqlite", "postgresql", "million"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rounds: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="pawl-bench-") as name:
        folder = Path(name)
        if "sqlite" in options.only:
            rounds += on_sqlite(folder, options.rounds, options.seconds)
        if "postgresql" in options.only:
            rounds += on_postgresql(folder, options.rounds, options.seconds)
        if "million" in options.only:
            rounds.append(a_million(folder, options.rows))
    figures = {
        key: median(one[key] for one in rounds if key in one) for key in dict.fromkeys(k for r in rounds for k in r)
    }
    table = Table(title=f"the ledger; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for column in ("figure", "measured", "limit", "rounds"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for key, value in figures.items():
        limit, sign = LIMITS.get(key, (None, ""))
        each = ", ".join(f"{one[key]:.2f}" for one in rounds if key in one)
        table.add_row(key, f"{value:,.2f}", "" if limit is None else f"{sign} {limit:g}", each if limit else "")
    Console(width=160).print(table)
    if options.json:
        options.json.write_text(json.dumps({"figures": figures, "rounds": rounds}, indent=2) + "\n")


if __name__ == "__main__":
    main()
