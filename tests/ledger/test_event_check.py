"""Rows of users against their events; the attacks on them stand in test_chain_check.py."""

import sqlalchemy as sa

from ledger_world import USER, day, fill_user_tables, promoted
from pawl.ledger.database import Ledger
from pawl.ledger.event_check import odd_primary_rows
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.identity import identity
from pawl.ledger.trade_tables import pnl_entries, quick_trades
from pawl.ledger.write_paths import apply_writes
from user_commands import close_trade, open_trade, track_signal, trade_of


def test_rows_that_were_written_past_the_write_paths_have_no_event(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        fill_user_tables(tx)
        found = {(one.table, one.what) for one in odd_primary_rows(tx)}
    assert found == {
        ("tracked_signals", "has no event that tells of it"), ("pnl_entries", "has no event that tells of it"),
    }  # fmt: skip  # its trade has one, of a type that says nothing


def test_a_part_that_was_closed_needs_no_event_of_its_own(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        apply_writes(tx, [open_trade("o")], day(1))
        part = {
            "user_id": USER, "trace_id": "t", "trade_id": trade_of("o"), "is_final": False, "pnl": 1.0, "pnl_bps": 1.0,
            "occurred_at": day(1),
        }  # fmt: skip
        tx.execute(sa.insert(pnl_entries).values(part))
        assert list(odd_primary_rows(tx)) == []


def test_a_stop_that_was_moved_is_no_break(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        apply_writes(tx, [open_trade("o")], day(1))
        tx.execute(sa.update(quick_trades).values(stop_price=41_000.0, target_price=None))
        assert list(odd_primary_rows(tx)) == []


def test_an_event_of_a_type_that_nobody_knows_yet_is_left_alone(ledger: Ledger) -> None:
    later = {
        "user_id": USER, "trace_id": "t", "source_table": "something_new", "source_event_id": identity("new", 1),
        "event_type": "trade.moved", "payload": {"version": 2}, "occurred_at": day(1),
    }  # fmt: skip
    with ledger.transaction() as tx:
        tx.execute(sa.insert(event_outbox).values(later))
        assert list(odd_primary_rows(tx)) == []


def test_many_events_are_compared_a_few_hundred_at_a_time(ledger: Ledger) -> None:
    opened = [open_trade(f"o{number}") for number in range(700)]
    closed = [close_trade(f"x{number}", trade_of(f"o{number}"), day(1), pnl=-0.0) for number in range(700)]
    with ledger.transaction() as tx:
        apply_writes(tx, [*opened, track_signal("s"), *closed], day(2))
        assert list(odd_primary_rows(tx)) == []
        tx.execute(sa.update(quick_trades).where(quick_trades.c.trade_id == trade_of("o640")).values(exit_price=1.0))
        (found,) = odd_primary_rows(tx)
    assert found.what == "disagrees with its event in exit_price"
