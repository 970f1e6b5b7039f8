"""A decision takes one round trip, and a server that went away is told of and found again."""

import tempfile

import pytest
import sqlalchemy as sa

from ledger_world import day
from pawl.errors import StorageError
from pawl.ledger.database import Ledger
from pawl.ledger.direct_writer import DirectWriter
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
