"""The connection that stays open lets go of its lock whatever happens, and of itself when it is told to."""

import sqlite3

import pytest
import sqlalchemy as sa

from ledger_world import day
from pawl.errors import StorageError
from pawl.ledger.database import Ledger
from pawl.ledger.direct_writer import DirectWriter
from user_commands import open_trade


def test_an_error_gives_the_lock_back_while_it_is_still_told(sqlite_ledger: Ledger) -> None:
    with DirectWriter(sqlite_ledger, lambda: day(40)) as writer:
        writer.write(open_trade("first"))
        writer.write(open_trade("second"))
        connection = writer._short._store._connection  # type: ignore[attr-defined]  # to make its disk full
        assert isinstance(connection, sqlite3.Connection)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StorageError, match="full") as told:
            for number in range(200):
                writer.write(open_trade(f"big {number}", ticker="X" * 200))
        with sqlite_ledger.transaction() as tx:  # would wait for half a minute
            tx.execute(sa.text("SELECT 1"))
        assert told.value
        assert writer.write(open_trade("after")).is_new


def test_a_file_is_let_go_of_when_its_writer_is_closed(sqlite_ledger: Ledger) -> None:
    with DirectWriter(sqlite_ledger, lambda: day(40)) as writer:
        writer.write(open_trade("first"))
        writer.write(open_trade("second"))
        writer.close()
        assert writer.write(open_trade("third")).is_new  # on another connection
