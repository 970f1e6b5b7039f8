"""A decision takes one round trip, and a server that went away is told of and found again."""

import socket
import tempfile
import threading
import time

import pytest
import sqlalchemy as sa

from ledger_world import day
from pawl.errors import StorageError
from pawl.ledger.chain_check import check_chains
from pawl.ledger.database import Ledger
from pawl.ledger.direct_writer import DirectWriter
from pawl.ledger.write_commands import Written
from pawl.ledger.write_rules import prepare
from redis_world import until
from user_commands import open_trade, track_signal


def test_a_decision_is_one_round_trip_with_row_event_and_head(postgresql_ledger: Ledger) -> None:
    with DirectWriter(postgresql_ledger, lambda: day(40)) as writer, tempfile.TemporaryFile() as said:
        writer.write(open_trade("begins the month"))
        writer.write(open_trade("prepares the statement"))
        server = writer._short._store._connection.pgconn  # type: ignore[attr-defined]  # to listen to it
        server.trace(said.fileno())
        writer.write(open_trade("a"))
        server.untrace()
        said.seek(0)
        lines = said.read().decode().splitlines()
    assert sum("Sync" in line for line in lines) == 1
    assert not any("Parse" in line.split("\t") for line in lines)


def test_a_server_that_went_away_is_told_of_and_found_again(postgresql_ledger: Ledger) -> None:
    with DirectWriter(postgresql_ledger, lambda: day(40)) as writer:
        writer.write(open_trade("begins the month"))
        writer.write(track_signal("opens a connection"))
        others = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with postgresql_ledger.transaction() as tx:
            tx.execute(sa.text(others))
        with pytest.raises(StorageError):
            writer.write(open_trade("lost"))
        postgresql_ledger.close()  # the pool's own went too
        assert writer.write(open_trade("after")).is_new


def test_an_answer_that_came_with_the_one_before_is_not_waited_for(postgresql_ledger: Ledger) -> None:
    with DirectWriter(postgresql_ledger, lambda: day(40)) as writer:
        writer.write(open_trade("begins the month"))
        writer.write(open_trade("opens a connection"))
        first, second = (writer.begin([prepare(open_trade(key))]) for key in ("a", "b"))
        assert writer.fileno() is not None
        until(lambda: _trades(postgresql_ledger) == 4)
        time.sleep(0.2)  # both answers are under way to this machine, and are read together
        assert writer.finish(first)
        assert writer.fileno() is None
        assert writer.finish(second)


def test_batches_of_any_size_need_few_statements(postgresql_ledger: Ledger) -> None:
    with DirectWriter(postgresql_ledger, lambda: day(40)) as writer:
        writer.write(open_trade("begins the month"))
        for n in range(1, 18):
            batch = [track_signal(f"{n}/{i}") if i % 2 else open_trade(f"{n}/{i}") for i in range(n)]
            answers = writer.append([prepare(one) for one in batch])
            assert [isinstance(one, Written) and one.is_new for one in answers] == [True] * n
        shapes = [tuple(n for _, n in shape) for shape in writer._store._names]  # type: ignore[union-attr]  # a server's
    assert shapes[0] == (1, 1)
    assert {n for shape in shapes for n in shape} == {1, 2, 4, 8, 16, 32}
    assert len(shapes) < 12
    assert _trades(postgresql_ledger) == 1 + sum((n + 1) // 2 for n in range(1, 18))
    with postgresql_ledger.reading() as tx:
        assert check_chains(tx).breaks == ()


def test_a_batch_that_the_sockets_do_not_hold_is_sent_to_its_end(postgresql_ledger: Ledger) -> None:
    with DirectWriter(postgresql_ledger, lambda: day(40)) as writer:
        writer.write(open_trade("begins the month"))
        writer.write(open_trade("opens a connection"))
        server = writer._short._store._connection.pgconn  # type: ignore[attr-defined]  # to make it narrow
        with socket.fromfd(server.socket, socket.AF_INET, socket.SOCK_STREAM) as narrow:
            narrow.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        batch = [prepare(open_trade(f"k{n}", ticker="X" * 200)) for n in range(256)]
        at_work = threading.Thread(target=writer.append, args=(batch,), daemon=True)
        at_work.start()
        at_work.join(20)
        assert not at_work.is_alive()
    assert _trades(postgresql_ledger) == 258


def _trades(ledger: Ledger) -> int:
    with ledger.reading() as tx:
        return int(tx.execute(sa.text("SELECT count(*) FROM quick_trades")).scalar_one())
