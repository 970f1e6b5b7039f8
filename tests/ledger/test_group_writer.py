"""Many write through one thread: each gets its own answer, in order, and nobody spoils it for another."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger_world import address, day, run_together
from pawl.errors import AlreadyClosedError, InputError, NotFoundError, PawlError, RefusalError, StorageError
from pawl.ledger.chain import CHAINS, genesis, row_digest, seal
from pawl.ledger.chain_tables import chain_heads
from pawl.ledger.database import Ledger
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.group_writer import GroupWriter
from pawl.ledger.write_commands import Written
from user_commands import close_trade, convert_signal, open_trade, signal_of, track_signal, trade_of

NOW = day(40)


def now() -> datetime:
    return NOW


@pytest.fixture
def writer(ledger: Ledger) -> Iterator[GroupWriter]:
    with GroupWriter(ledger, now) as opened:
        yield opened


@contextmanager
def held_up(writer: GroupWriter, ledger: Ledger) -> Iterator[None]:
    """While another writes, everything that is submitted waits, and is then taken together."""
    with ledger.transaction() as tx:
        hold = "SELECT 1" if tx.dialect.name == "sqlite" else "LOCK TABLE passport_event_outbox, chain_heads"
        tx.execute(sa.text(hold))
        writer.submit(open_trade("the first one, which is stuck"))
        yield


def chained(ledger: Ledger) -> int:
    """How many events hang on their chains as they should."""
    with ledger.reading() as tx:
        rows = tx.execute(sa.select(event_outbox).order_by("chain_month", "chain_number")).mappings().all()
        heads = tx.execute(sa.select(chain_heads).where(chain_heads.c.table_name == event_outbox.name)).all()
    previous: dict[str, str] = {}
    for row in rows:
        month = row["chain_month"]
        assert row["prev_hash"] == previous.get(month, genesis("passport_event_outbox", month))
        previous[month] = row["row_hash"]
        assert row["row_hash"] == seal(row["prev_hash"], row_digest(CHAINS["passport_event_outbox"], row))
    assert {one.chain_month: one.head_hash for one in heads} == previous
    return len(rows)


def test_what_is_submitted_is_written_when_its_future_is_done(writer: GroupWriter, ledger: Ledger) -> None:
    for number in range(5):
        written = writer.submit(open_trade(f"k{number}")).result(timeout=30)
        assert isinstance(written, Written)
        assert written.recorded_at == NOW
        assert chained(ledger) == number + 1


def test_a_whole_life_goes_through_in_its_order(writer: GroupWriter, ledger: Ledger) -> None:
    signal, trade = signal_of("s", at=day(0)), trade_of("c", at=day(1))
    closing = close_trade("x", trade, day(2), decision_id=str(signal))
    with held_up(writer, ledger):
        futures = [
            writer.submit(one) for one in (track_signal("s", day(0)), convert_signal("c", signal, day(1)), closing)
        ]
    assert [one.result(timeout=30).is_new for one in futures] == [True, True, True]
    assert chained(ledger) == 4


def test_many_writers_get_their_own_answers(writer: GroupWriter, ledger: Ledger) -> None:
    def write(number: int) -> list[Written]:
        return [writer.submit(open_trade(f"{number}/{n}")).result(timeout=60) for n in range(8)]

    with ThreadPoolExecutor(16) as pool:
        answers = [one for many in pool.map(write, range(16)) for one in many]
    assert [one.source_event_id for one in answers] == [
        trade_of(f"{number}/{n}") for number in range(16) for n in range(8)
    ]
    assert chained(ledger) == 128


def test_one_key_sent_by_many_at_once_is_one_row(writer: GroupWriter, ledger: Ledger) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: writer.submit(open_trade(f"k{number % 4}")).result(60), range(64)))
    assert sum(one.is_new for one in answers) == 4
    assert chained(ledger) == 4


def test_a_refusal_reaches_its_own_caller_alone(writer: GroupWriter, ledger: Ledger) -> None:
    with held_up(writer, ledger):
        good, odd = writer.submit(open_trade("o")), writer.submit(open_trade("nul\x00", ticker="nul\x00"))
        closed = [writer.submit(close_trade(key, trade_of("o"), day(1))) for key in ("x", "y")]
    assert good.result(30).is_new
    with pytest.raises(InputError):
        odd.result(30)
    assert closed[0].result(30).is_new
    with pytest.raises(AlreadyClosedError):
        closed[1].result(30)
    assert chained(ledger) == 3


def test_a_command_that_the_database_chokes_on_spoils_only_itself(writer: GroupWriter, ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        refuse = {
            "sqlite": "CREATE TRIGGER stop BEFORE INSERT ON quick_trades WHEN NEW.ticker = 'BAD' "
            "BEGIN SELECT RAISE(ABORT, 'stopped'); END",
            "postgresql": "CREATE TRIGGER stop BEFORE INSERT ON quick_trades FOR EACH ROW WHEN (NEW.ticker = 'BAD') "
            "EXECUTE FUNCTION refuse_change()",
        }
        tx.execute(sa.text(refuse[ledger.engine.dialect.name]))
    with held_up(writer, ledger):
        futures = [writer.submit(open_trade(f"k{n}", ticker="BAD" if n == 3 else "OK")) for n in range(6)]
    outcomes = [one.exception(timeout=30) for one in futures]
    assert [outcome is None for outcome in outcomes] == [True, True, True, False, True, True]
    assert isinstance(outcomes[3], PawlError)
    assert chained(ledger) == 6


def test_a_full_disk_is_told_to_all_who_wait_and_the_writer_goes_on(sqlite_ledger: Ledger) -> None:
    with GroupWriter(sqlite_ledger, now) as writer:
        writer.submit(open_trade("before")).result(30)
        with sqlite_ledger.transaction() as tx:
            pages = tx.execute(sa.text("PRAGMA page_count")).scalar_one()
        sa.event.listen(sqlite_ledger.engine, "begin", full := _full(pages))
        big = [writer.submit(open_trade(f"big{n}", ticker="X" * 200)) for n in range(400)]
        failures = [one.exception(timeout=60) for one in big]
        assert any(isinstance(one, StorageError) for one in failures)
        assert all(one is None or isinstance(one, StorageError) for one in failures)
        sa.event.remove(sqlite_ledger.engine, "begin", full)
        with sqlite_ledger.transaction() as tx:
            tx.execute(sa.text("PRAGMA max_page_count = 1000000"))
        assert writer.submit(open_trade("after")).result(30).is_new
    assert chained(sqlite_ledger) == 2 + sum(one is None for one in failures)


def _full(pages: int) -> object:
    def full(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 4}")

    return full


def test_closing_writes_what_waits_and_then_takes_nothing_more(ledger: Ledger) -> None:
    writer = GroupWriter(ledger, now)
    futures = [writer.submit(open_trade(f"k{n}")) for n in range(50)]
    writer.close()
    assert all(one.done() for one in futures)
    assert chained(ledger) == 50
    with pytest.raises(RefusalError, match="closed"):
        writer.submit(open_trade("late"))
    writer.close()


def test_who_gave_up_waiting_gets_nothing_written(writer: GroupWriter, ledger: Ledger) -> None:
    with held_up(writer, ledger):
        gone, stays = writer.submit(open_trade("gone")), writer.submit(open_trade("stays"))
        assert gone.cancel()
    assert stays.result(30).is_new
    with pytest.raises(CancelledError):
        gone.result(30)
    assert chained(ledger) == 2


def test_a_clock_that_fails_reaches_the_caller_and_the_writer_goes_on(ledger: Ledger) -> None:
    times = iter([NOW])

    def once() -> datetime:
        for one in times:
            return one
        raise ValueError("no more time")

    with GroupWriter(ledger, once) as writer:
        assert writer.submit(open_trade("a")).result(30).is_new
        for key in ("b", "c"):
            with pytest.raises(ValueError, match="no more time"):
                writer.submit(open_trade(key)).result(30)


def test_coroutines_get_their_own_answers_and_their_commands_go_together(writer: GroupWriter, ledger: Ledger) -> None:
    async def all_of_them() -> list[object]:
        first = [writer.write(open_trade(f"k{n % 20}")) for n in range(40)]
        odd = writer.write(open_trade("nul\x00", ticker="nul\x00"))
        unknown = writer.write(close_trade("x", trade_of("nobody's"), day(1)))
        return await asyncio.gather(*first, odd, unknown, return_exceptions=True)

    *written, odd, unknown = asyncio.run(all_of_them())
    assert [one.source_event_id for one in written if isinstance(one, Written)] == [
        trade_of(f"k{n % 20}") for n in range(40)
    ]
    assert sum(one.is_new for one in written if isinstance(one, Written)) == 20
    assert (type(odd), type(unknown)) == (InputError, NotFoundError)
    assert chained(ledger) == 20
    with ledger.reading() as tx:  # all in one transaction, at one time
        assert writer._batches.crowd == 41
        assert len(set(tx.execute(sa.select(event_outbox.c.recorded_at)).scalars())) == 1


def test_a_coroutine_that_gave_up_gets_nothing_written(writer: GroupWriter, ledger: Ledger) -> None:
    async def give_up() -> Written:
        gone = asyncio.create_task(writer.write(open_trade("gone")))
        await asyncio.sleep(0)
        gone.cancel()
        stays = await writer.write(open_trade("stays"))
        with pytest.raises(asyncio.CancelledError):
            await gone
        return stays

    assert asyncio.run(give_up()).is_new
    assert chained(ledger) == 1


def test_a_thread_that_waits_gets_its_own_answer(writer: GroupWriter, ledger: Ledger) -> None:
    with ThreadPoolExecutor(16) as pool:
        written = list(pool.map(lambda n: writer.write_and_wait(open_trade(f"k{n % 40}")), range(80)))
    assert [one.source_event_id for one in written] == [trade_of(f"k{n % 40}") for n in range(80)]
    assert sum(one.is_new for one in written) == chained(ledger) == 40
    with pytest.raises(NotFoundError):
        writer.write_and_wait(close_trade("x", trade_of("nobody's"), day(1)))
    with pytest.raises(InputError):
        writer.write_and_wait(open_trade("nul\x00", ticker="nul\x00"))
    writer.close()
    with pytest.raises(RefusalError, match="closed"):
        writer.write_and_wait(open_trade("late"))


def test_a_coroutine_that_comes_after_the_end_is_refused(ledger: Ledger) -> None:
    writer = GroupWriter(ledger, now)
    writer.close()
    with pytest.raises(RefusalError, match="closed"):
        asyncio.run(writer.write(open_trade("late")))


WRITE = """
import sys
from datetime import UTC, datetime
from pawl.ledger.database import Ledger
from pawl.ledger.group_writer import GroupWriter
from user_commands import close_trade, open_trade, track_signal, trade_of
from ledger_world import day
ledger, number = Ledger(sys.argv[1]), sys.argv[2]
with GroupWriter(ledger, lambda: day(40)) as writer:
    futures = []
    for n in range(60):
        futures.append(writer.submit(open_trade(f"own {number}/{n}")))
        if n % 3 == 0:
            futures.append(writer.submit(close_trade(f"end {number}/{n}", trade_of(f"own {number}/{n}"), day(1))))
        futures.append(writer.submit(track_signal(f"shared {n}")))
        if n % 5 == 0:
            futures[-1].result(60)
    print(sum(one.result(60).is_new for one in futures))
"""


def test_many_processes_write_at_once_and_no_row_is_lost(ledger: Ledger, tmp_path: Path) -> None:
    printed = run_together(WRITE, [address(ledger)], 4, tmp_path)
    assert sum(int(one) for one in printed) == chained(ledger) == 4 * (60 + 20) + 60


def test_writers_of_other_threads_never_see_half_a_write(writer: GroupWriter, ledger: Ledger) -> None:
    stop, odd = threading.Event(), []

    def look() -> None:
        both = sa.text("SELECT (SELECT count(*) FROM quick_trades), (SELECT count(*) FROM passport_event_outbox)")
        while not stop.is_set():
            with ledger.reading() as tx:
                trades, events = tx.execute(both).one()
            if trades != events:
                odd.append((trades, events))

    watcher = threading.Thread(target=look)
    watcher.start()
    done: list[Future[Written]] = [writer.submit(open_trade(f"k{n}")) for n in range(100)]
    assert all(one.result(60).is_new for one in done)
    stop.set()
    watcher.join()
    assert odd == []
