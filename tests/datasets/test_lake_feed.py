"""From the ledger to the lake: the rows of each event as they stood when it was recorded."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from ledger_world import START
from pawl.datasets.lake_feed import feed_lake, lake_gaps, lake_records
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.trajectories import fold_events, pending_events
from pawl.errors import PawlError
from pawl.lake.event_lake import EventLake
from pawl.ledger.database import Ledger
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.write_commands import WriteCommand
from pawl.ledger.write_paths import apply_writes
from user_commands import close_trade, convert_signal, open_trade, signal_of, track_signal, trade_of

LATER = START + timedelta(hours=5)


def write(ledger: Ledger, *commands: WriteCommand) -> None:
    with ledger.transaction() as tx:
        for done in apply_writes(tx, commands, LATER):
            assert not isinstance(done, PawlError), done


def everything(ledger: Ledger) -> None:
    write(ledger, track_signal("s"), convert_signal("c", signal_of("s"), START + timedelta(minutes=1)))
    write(
        ledger,
        close_trade(
            "e",
            trade_of("c", at=START + timedelta(minutes=1)),
            START + timedelta(hours=2),
            decision_id=str(signal_of("s")),
        ),
    )
    write(ledger, open_trade("o"), close_trade("f", trade_of("o"), START + timedelta(hours=1)))


def feed(ledger: Ledger, lake: EventLake) -> int:
    """What the worker does: into the lake, then into trajectories."""
    with ledger.transaction() as tx:
        names = pending_events(tx, LATER, 100)
        n_new = feed_lake(tx, lake, names)
        fold_events(tx, names, PassportSettings(), LATER)
    return n_new


def rows(lake: EventLake, table: str) -> list[dict[str, Any]]:
    return [json.loads(body) for body in lake.scan().filter(table=table)["body"]]


def test_pass_r4_the_lake_holds_the_raw_rows_of_all_four_tables(ledger: Ledger, tmp_path: Path) -> None:
    everything(ledger)
    lake = EventLake(tmp_path)
    assert feed(ledger, lake) == 5 + 2 + 4 + 2
    counts = dict(lake.scan().group_by("table").len().iter_rows())
    assert counts == {"passport_event_outbox": 5, "tracked_signals": 2, "quick_trades": 4, "pnl_entries": 2}
    with ledger.reading() as tx:
        for row in tx.execute(sa.select(event_outbox)).mappings():
            (held,) = [one for one in rows(lake, "passport_event_outbox") if one["event_id"] == str(row["event_id"])]
            assert held["payload"] == row["payload"]
            assert held["row_hash"] == row["row_hash"]
            assert not {"processed_at", "attempts", "next_attempt_at"} & held.keys()
        assert lake_gaps(tx, lake) == []


def test_pass_r4_rows_stand_as_they_were_at_their_event(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    # Fed at once or event by event, before the next one happened: the same records.
    at_once, step_by_step = EventLake(tmp_path / "a"), EventLake(tmp_path / "b")
    write(sqlite_ledger, track_signal("s"))
    feed(sqlite_ledger, step_by_step)
    write(sqlite_ledger, convert_signal("c", signal_of("s"), START + timedelta(minutes=1)))
    feed(sqlite_ledger, step_by_step)
    end = close_trade(
        "e", trade_of("c", at=START + timedelta(minutes=1)), START + timedelta(hours=2), decision_id=str(signal_of("s"))
    )
    write(sqlite_ledger, end)
    feed(sqlite_ledger, step_by_step)
    with sqlite_ledger.reading() as tx:
        feed_lake(tx, at_once, list(tx.execute(sa.select(event_outbox.c.event_id)).scalars()))
    assert at_once.scan().equals(step_by_step.scan())
    assert [one["status"] for one in rows(at_once, "tracked_signals")] == ["tracked", "converted"]
    assert [one["status"] for one in rows(at_once, "quick_trades")] == ["open", "closed"]
    assert rows(at_once, "quick_trades")[0]["exit_price"] is None


def test_pass_r4_feeding_twice_makes_nothing_new_and_a_gap_is_named(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    everything(sqlite_ledger)
    lake = EventLake(tmp_path)
    feed(sqlite_ledger, lake)
    with sqlite_ledger.reading() as tx:
        names = list(tx.execute(sa.select(event_outbox.c.event_id)).scalars())
        assert feed_lake(tx, lake, names) == 0
        empty = EventLake(tmp_path / "other")
        feed_lake(tx, empty, names[1:])
        assert lake_gaps(tx, empty) == [names[0]]


@pytest.mark.parametrize("source", ["../../etc", "nowhere"])
def test_an_event_of_an_unknown_table_is_kept_by_itself(sqlite_ledger: Ledger, source: str) -> None:
    from decision_events import record, tracked

    row = {**tracked("a"), "source_table": source}
    with sqlite_ledger.transaction() as tx:
        names = record(tx, [row])
        (held,) = lake_records(tx, names)
    assert held.table == "passport_event_outbox"
    assert pl.Series([held.body]).str.json_path_match("$.source_table")[0] == source
