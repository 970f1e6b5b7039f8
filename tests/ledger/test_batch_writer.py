"""Batches on their way: when a crowd is halved for a server, and what becomes of a batch behind one that failed."""

import asyncio

import pytest
import sqlalchemy as sa

from ledger_world import day
from pawl.errors import InputError, StorageError
from pawl.ledger.batch_writer import BatchWriter
from pawl.ledger.chain import lock_head, month_of
from pawl.ledger.chain_check import check_chains
from pawl.ledger.database import Ledger
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.group_writer import GroupWriter
from pawl.ledger.waiting_room import WaitingRoom
from pawl.ledger.write_paths import apply_writes
from redis_world import until
from user_commands import open_trade, trade_of

NOW = day(40)


def chained(ledger: Ledger) -> int:
    """How many events hang on their chains as they should."""
    with ledger.reading() as tx:
        report = check_chains(tx)
    assert report.breaks == ()
    return report.rows


def test_a_crowd_is_halved_only_for_a_server_that_is_quicker_than_it(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    put = WaitingRoom.put

    def noted(room: WaitingRoom[object], things: list[object]) -> bool:
        sizes.append(len(things))
        return put(room, things)

    monkeypatch.setattr(WaitingRoom, "put", noted)

    async def round_of(writer: GroupWriter, name: str, write_sec: float) -> list[int]:
        sizes.clear()
        await asyncio.sleep(0.2)  # until the writer has noted how long it took
        writer._batches.write_sec = write_sec
        await asyncio.gather(*(writer.write(open_trade(f"{name}/{n}")) for n in range(16)))
        return list(sizes)

    async def rounds(writer: GroupWriter) -> list[list[int]]:
        return [await round_of(writer, name, sec) for name, sec in (("first", 0.0), ("slow", 60.0), ("quick", 0.0))]

    with GroupWriter(ledger, lambda: NOW) as writer:
        *whole, quick = asyncio.run(rounds(writer))
    assert whole == [[16], [16]]
    # The crowd is remembered as it was lately, and no larger than it is.
    assert quick[0] in ([16] if ledger.engine.dialect.name == "sqlite" else [7, 8])
    assert chained(ledger) == 48


def test_what_is_on_its_way_behind_a_failure_is_written_all_the_same(postgresql_ledger: Ledger) -> None:
    """Two statements are with the server; another process takes the place in the chain of both."""
    with GroupWriter(postgresql_ledger, lambda: NOW) as writer:
        writer.submit(open_trade("begins the month")).result(30)
        writer.submit(open_trade("opens a connection")).result(30)
        with postgresql_ledger.transaction() as tx:
            lock_head(tx, event_outbox.name, month_of(NOW))
            first = writer.submit(open_trade("first"))
            until(lambda: len(writer._batches._writer._store._sent) == 1)  # type: ignore[union-attr]  # a server's
            second, again = writer.submit(open_trade("second")), writer.submit(open_trade("first"))
            until(lambda: len(writer._batches._writer._store._sent) == 2)  # type: ignore[union-attr]  # as above
            apply_writes(tx, [open_trade("another's")], NOW)
        answers = [one.result(30) for one in (first, second, again)]
    assert [one.is_new for one in answers] == [True, True, False]
    with postgresql_ledger.reading() as tx:
        order = sa.select(event_outbox.c.source_event_id).order_by(event_outbox.c.chain_number).offset(2)
        keys = ("another's", "first", "second")
        assert list(tx.execute(order).scalars()) == [trade_of(key) for key in keys]
    assert chained(postgresql_ledger) == 5


def test_a_lost_connection_is_told_to_all_who_are_on_their_way(postgresql_ledger: Ledger) -> None:
    with GroupWriter(postgresql_ledger, lambda: NOW) as writer:
        writer.submit(open_trade("begins the month")).result(30)
        writer.submit(open_trade("opens a connection")).result(30)
        server = writer._batches._writer._store._connection.pgconn.backend_pid  # type: ignore[union-attr]  # a server's
        with postgresql_ledger.transaction() as tx:
            lock_head(tx, event_outbox.name, month_of(NOW))
            first = writer.submit(open_trade("first"))
            until(lambda: len(writer._batches._writer._store._sent) == 1)  # type: ignore[union-attr]  # as above
            second = writer.submit(open_trade("second"))
            until(lambda: len(writer._batches._writer._store._sent) == 2)  # type: ignore[union-attr]  # as above
            tx.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": server})
            assert [type(one.exception(30)) for one in (first, second)] == [StorageError] * 2
        assert writer.submit(open_trade("first")).result(30).is_new
    assert chained(postgresql_ledger) == 3


ODD = """
CREATE FUNCTION odd() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'odd' USING ERRCODE = '22003'; END $$;
CREATE TRIGGER odd BEFORE INSERT ON quick_trades FOR EACH ROW WHEN (NEW.ticker = 'ODD') EXECUTE FUNCTION odd()
"""


@pytest.mark.parametrize(
    ("what", "failed", "stand"),
    [
        ("taken", [None, None], ["another's", "first", "second"]),
        ("odd", [InputError, None], ["second"]),
        ("lost", [StorageError, StorageError], []),
    ],
)
def test_what_waits_behind_a_failure_is_written_after_it_and_told_so(
    postgresql_ledger: Ledger, what: str, failed: list[type[Exception] | None], stand: list[str]
) -> None:
    """Two batches are on their way and more wait: in their order, on a connection that nobody takes from them."""
    waiting = [f"third {n}" for n in range(4)]
    with postgresql_ledger.transaction() as tx:
        tx.execute(sa.text(ODD))
    with GroupWriter(postgresql_ledger, lambda: NOW) as writer:
        writer.submit(open_trade("begins the month")).result(30)
        writer.submit(open_trade("opens a connection")).result(30)
        store = writer._batches._writer._store
        server = store._connection.pgconn.backend_pid  # type: ignore[union-attr]  # a server's
        with postgresql_ledger.transaction() as tx:
            lock_head(tx, event_outbox.name, month_of(NOW))
            first = writer.submit(open_trade("first", ticker="ODD" if what == "odd" else "BTCUSDT"))
            until(lambda: len(store._sent) == 1)  # type: ignore[union-attr]  # as above
            second = writer.submit(open_trade("second"))
            until(lambda: len(store._sent) == 2)  # type: ignore[union-attr]  # as above
            thirds = [writer.submit(open_trade(key)) for key in waiting]
            if what == "lost":
                tx.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": server})
            if what == "taken":
                apply_writes(tx, [open_trade("another's")], NOW)
        errors = [one.exception(30) for one in (first, second, *thirds)]
        assert [None if one is None else type(one) for one in errors] == [*failed, *[None] * 4]
        assert writer.submit(open_trade("after")).result(30).is_new
    with postgresql_ledger.reading() as tx:
        order = sa.select(event_outbox.c.source_event_id).order_by(event_outbox.c.chain_number).offset(2)
        assert list(tx.execute(order).scalars()) == [trade_of(key) for key in [*stand, *waiting, "after"]]
    assert chained(postgresql_ledger) == 2 + len(stand) + 5


def test_a_writer_that_cannot_look_ahead_answers_what_is_on_its_way_and_goes_on(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> bool:
        raise OSError("bad descriptor")

    monkeypatch.setattr(BatchWriter, "_sends_more", broken)
    with GroupWriter(ledger, lambda: NOW) as writer:
        answers = [writer.submit(open_trade(f"{n}")).result(30) for n in range(3)]
    assert [one.is_new for one in answers] == [True] * 3
    assert chained(ledger) == 3
    assert "OSError: bad descriptor" in caplog.text
