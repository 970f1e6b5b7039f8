"""Whatever somebody with the whole database in hand does to one row is found, and named."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger_world import START, day, judged, promoted, trained
from pawl.errors import RefusalError
from pawl.ledger import chain_check
from pawl.ledger.chain import CHAINS, append_behind, lock_head
from pawl.ledger.chain_check import Break, ChainReport, check_chains
from pawl.ledger.column_types import CanonicalJson, UtcTime
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.inferences import append_inferences, append_trajectories
from pawl.ledger.replay_log import ReplayRow, append_rows, finish_replay, open_replay
from pawl.ledger.schema import step_back
from pawl.ledger.tables import METADATA
from pawl.ledger.write_paths import apply_writes
from recorded_decision import INFERENCE, TRAJECTORY
from user_commands import close_trade, convert_signal, open_trade, signal_of, track_signal, trade_of

N_CHAINED = {
    "passport_event_outbox": 13, "model_inference_logs": 4, "decision_trajectories": 4, "pnl_entries": 3,
    "ml_eval_reports": 3,
}  # fmt: skip
N_REPLAYED = 4
LINKS = ("chain_month", "chain_number", "prev_hash", "row_hash")


def fill(ledger: Ledger) -> None:
    """Rows in every chain, in two months, and of every kind of event."""
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=0)
        trained(tx, "m002-1.1")
        judged(tx, "m002-1.1", passes=False, on=1)
        judged(tx, "m002-1.1", passes=False, on=40)
        for number in range(4):
            at = day(10 * number + 1)
            inference = replace(
                INFERENCE, inference_id=identity("inference", number), trace_id=f"t{number}", created_at=at
            )
            append_inferences(tx, [inference])
            own = {"trajectory_id": identity("trajectory", number), "source_event_id": identity("event", number)}
            append_trajectories(tx, [replace(TRAJECTORY, **own, inference_id=inference.inference_id, created_at=at)])
    for now in (day(5), day(45)):
        with ledger.transaction() as tx:
            key, at = str(now), now
            signal = signal_of(f"s{key}")
            apply_writes(tx, [
                track_signal(f"s{key}"), track_signal(f"lonely{key}", inference_id=identity("inference", 1)),
                convert_signal(f"c{key}", signal), open_trade(f"o{key}"), open_trade(f"open{key}"),
                close_trade(f"x{key}", trade_of(f"o{key}"), at),
            ], now)  # fmt: skip
    with ledger.transaction() as tx:
        closing = close_trade(
            "zero", trade_of(f"c{day(5)}"), day(6), decision_id=str(signal_of(f"s{day(5)}")), pnl=-0.0
        )
        apply_writes(tx, [closing], day(46))
        replay = open_replay(tx, {"seed": 1}, START)
        for number in range(N_REPLAYED):
            row = ReplayRow(
                virtual_time=day(number),
                learner="m002",
                policy="gated",
                ticker="X",
                kind="decision",
                payload={"n": number},
            )
            append_rows(tx, replay, [row], START)
        finish_replay(tx, replay, START)


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    fill(ledger)
    with ledger.transaction() as tx:
        behind_the_triggers(tx)
    return ledger


def checked(ledger: Ledger) -> ChainReport:
    with ledger.reading() as tx:
        return check_chains(tx)


def behind_the_triggers(tx: sa.Connection) -> None:
    """What an attacker does first."""
    if tx.dialect.name == "sqlite":
        tx.execute(sa.text("PRAGMA defer_foreign_keys = ON"))
        for (name,) in tx.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            tx.execute(sa.text(f"DROP TRIGGER {name}"))
        return
    tx.execute(sa.text("SET session_replication_role = replica"))  # which asks neither triggers nor foreign keys


def attacked(ledger: Ledger, *changes: sa.Executable) -> tuple[Break, ...]:
    """What is found after changes behind the triggers' back, which are then taken back."""
    with pytest.raises(RefusalError, match="taken back"), ledger.transaction() as tx:
        behind_the_triggers(tx)
        for change in changes:
            assert tx.execute(change).rowcount >= 1
        found = check_chains(tx).breaks
        raise RefusalError("taken back", where="test", fix="nothing")
    return found


def test_a_ledger_as_it_was_written_has_no_break(filled: Ledger) -> None:
    assert checked(filled) == ChainReport(sum(N_CHAINED.values()) + N_REPLAYED, ())


def test_an_empty_ledger_has_nothing_to_break(ledger: Ledger) -> None:
    assert checked(ledger) == ChainReport(0, ())


def test_rows_that_were_there_before_the_chains_are_sealed_by_the_migration(ledger: Ledger) -> None:
    n = 2_100  # more than the migration takes at once
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=0)
        trained(tx, "m002-1.1")
        judged(tx, "m002-1.1", passes=False, on=40)
        append_inferences(
            tx,
            [
                replace(INFERENCE, inference_id=identity("inference", number), created_at=day(number % 50))
                for number in range(n)
            ],
        )
        append_trajectories(tx, [replace(TRAJECTORY, inference_id=identity("inference", 0))])
        apply_writes(tx, [open_trade("o"), close_trade("x", trade_of("o"), day(2))], day(3))
        apply_writes(tx, [track_signal("s")], day(40))
    with ledger.transaction() as tx:
        tx.execute(sa.text("DELETE FROM loop_outbox"))  # what was not published has no place in an earlier schema
        step_back(tx, "r0002")
        assert not sa.inspect(tx).has_table("chain_heads")
    ledger.make_current()
    assert checked(ledger) == ChainReport(2 + n + 1 + 1 + 3, ())
    with ledger.transaction() as tx:
        apply_writes(tx, [open_trade("later")], day(41))
    assert checked(ledger) == ChainReport(n + 8, ())


def rows_of(ledger: Ledger, table: sa.Table) -> list[dict[str, Any]]:
    with ledger.reading() as tx:
        keys = [one.name for one in table.primary_key]
        order = ("chain_month", "chain_number") if "chain_number" in table.c else keys
        return [dict(row) for row in tx.execute(sa.select(table).order_by(*order)).mappings()]


def other(column: sa.Column[Any], value: Any) -> Any:
    """Another value that the column takes."""
    if isinstance(column.type, CanonicalJson):
        return {**value, "more": 1}
    if isinstance(column.type, UtcTime):
        return value.replace(microsecond=(value.microsecond + 1) % 1_000_000)
    if isinstance(column.type, sa.Uuid):
        return identity("other", value)
    if isinstance(column.type, sa.Boolean):
        return not value
    if isinstance(column.type, sa.Text | sa.String):
        known = {"model_role": "analyst", "eval_scope": "shadow", "gate_result": "pass" if value == "fail" else "fail"}
        is_fixed = isinstance(column.type, sa.String) and column.type.length is not None
        last = ("0" if value[-1] != "0" else "1") if is_fixed else "x"
        return known.get(column.name, (value or "")[: -1 if is_fixed else None] + last)
    return (value or 0) + 1_000


@pytest.mark.parametrize("name", CHAINS)
def test_an_edit_of_any_column_is_found_and_named(filled: Ledger, name: str) -> None:
    table, key = CHAINS[name].table, CHAINS[name].key
    assert len(rows_of(filled, table)) == N_CHAINED[name]
    first, *_, last = rows_of(filled, table)
    for column in (*CHAINS[name].columns, *LINKS):
        for row in (first, last):
            value = other(table.c[column], row[column])
            found = attacked(filled, sa.update(table).where(table.c[key] == row[key]).values({column: value}))
            wanted = str(value if column == key else row[key])
            assert any((one.table, one.row) == (name, wanted) for one in found), (column, row, found)


@pytest.mark.parametrize("name", CHAINS)
def test_a_row_that_was_removed_is_missed_at_its_number(filled: Ledger, name: str) -> None:
    table, key = CHAINS[name].table, CHAINS[name].key
    for row in rows_of(filled, table):
        found = attacked(filled, sa.delete(table).where(table.c[key] == row[key]))
        place = (name, row["chain_month"], row["chain_number"])
        assert [one for one in found if (one.table, one.month, one.number) == place and "removed" in one.what], found


@pytest.mark.parametrize("swapped", [LINKS, ("chain_number",), ("chain_number", "prev_hash")], ids=str)
@pytest.mark.parametrize("name", CHAINS)
def test_rows_that_changed_places_are_found(filled: Ledger, name: str, swapped: tuple[str, ...]) -> None:
    table, key = CHAINS[name].table, CHAINS[name].key
    rows = rows_of(filled, table)
    for one, another in pairwise(rows):
        if "chain_month" not in swapped and one["chain_month"] != another["chain_month"]:
            continue  # no place is taken twice
        found = attacked(
            filled,
            sa.update(table).where(table.c[key] == one[key]).values(chain_number=-1),
            sa.update(table).where(table.c[key] == another[key]).values({name: one[name] for name in swapped}),
            sa.update(table).where(table.c[key] == one[key]).values({name: another[name] for name in swapped}),
        )
        if all(one[column] == another[column] for column in swapped):  # first of two months: nothing changed
            continue
        named = {broken.row for broken in found if broken.table == name}
        assert named & {str(one[key]), str(another[key])}, found


def test_a_row_that_nobody_sealed_is_named(filled: Ledger) -> None:
    for name, chain in CHAINS.items():
        row = rows_of(filled, chain.table)[0]
        unsealed = sa.update(chain.table).where(chain.table.c[chain.key] == row[chain.key])
        found = attacked(filled, unsealed.values(chain_month=None, chain_number=None, prev_hash=None, row_hash=None))
        assert Break(table=name, row=str(row[chain.key]), what="was never sealed") in found


def test_a_head_that_was_touched_is_found(filled: Ledger) -> None:
    heads = METADATA.tables["chain_heads"]
    for row in rows_of(filled, heads):
        this = (heads.c.table_name == row["table_name"]) & (heads.c.chain_month == row["chain_month"])
        place = (row["table_name"], row["chain_month"])
        for change in (
            sa.delete(heads).where(this),
            sa.update(heads).where(this).values(n_rows=row["n_rows"] + 1),
            sa.update(heads).where(this).values(n_rows=row["n_rows"] - 1),
            sa.update(heads).where(this).values(head_hash="f" * 64),
        ):
            assert any((one.table, one.month) == place for one in attacked(filled, change))


def test_a_row_in_the_chain_of_another_month_is_named(ledger: Ledger) -> None:
    event = {
        "event_id": identity("event", 1), "user_id": identity("user", 1), "trace_id": "t", "inference_id": None,
        "source_table": "elsewhere", "source_event_id": identity("row", 1), "event_type": "told", "payload": {},
        "occurred_at": day(1), "recorded_at": day(1),
    }  # fmt: skip
    with ledger.transaction() as tx:
        head = lock_head(tx, "passport_event_outbox", "2024-03")
        append_behind(tx, CHAINS["passport_event_outbox"], "2024-03", head, [event])
    (found,) = checked(ledger).breaks
    assert (found.row, found.month, found.number) == (str(event["event_id"]), "2024-03", 1)
    assert "another month than its recorded_at" in found.what


def test_a_whole_month_that_was_removed_is_missed(filled: Ledger) -> None:
    for name, chain in CHAINS.items():
        found = attacked(filled, sa.delete(chain.table).where(chain.table.c.chain_month == "2024-02"))
        assert any((one.table, one.month) == (name, "2024-02") and "removed" in one.what for one in found)


STAYS = {
    "tracked_signals": "user_id trace_id inference_id ticker direction confidence plan rationale_hash tracked_at "
    "created_at status converted_at",
    "quick_trades": "user_id trace_id inference_id signal_id ticker side size leverage decision_price entry_price "
    "is_followed opened_at created_at status closed_at exit_price",
}


@pytest.mark.parametrize("name", STAYS)
def test_a_row_that_disagrees_with_its_event_is_named(filled: Ledger, name: str) -> None:
    table = METADATA.tables[name]
    key = next(iter(table.primary_key))
    rows = rows_of(filled, table)
    for column in STAYS[name].split():
        for row in rows if column in MOVING else rows[:: len(rows) - 1]:
            if row[column] is None and column in MOVING:
                continue
            found = attacked(filled, sa.update(table).where(key == row[key.name]).values(changed(table, column, row)))
            assert any((one.table, one.row) == (name, str(row[key.name])) for one in found), (column, found)


MOVING = ("status", "converted_at", "closed_at", "exit_price")
STATES = {"tracked_signals": ("tracked", "converted_at"), "quick_trades": ("open", "closed_at exit_price")}
OTHERS = {
    "direction": "flat", "side": "short", "is_followed": False, "exit_price": 1.0, "confidence": 0.5,
    "signal_id": signal_of(f"lonely{day(5)}"), "inference_id": identity("inference", 3),
}  # fmt: skip


def changed(table: sa.Table, column: str, row: dict[str, Any]) -> dict[str, Any]:
    """One column with another value; a state with all that belongs to it, as somebody careful would."""
    if column != "status":
        return {column: OTHERS[column] if column in OTHERS else other(table.c[column], row[column])}
    first, belongs = STATES[table.name]
    if row["status"] != first:
        return {"status": first, **dict.fromkeys(belongs.split())}
    values = {"converted_at": day(7), "closed_at": day(7), "exit_price": 1.0}
    return {"status": "converted" if first == "tracked" else "closed", **{one: values[one] for one in belongs.split()}}


@pytest.mark.parametrize("name", ["tracked_signals", "quick_trades", "pnl_entries"])
def test_a_row_that_is_gone_or_has_no_event_is_named(filled: Ledger, name: str) -> None:
    table, events = METADATA.tables[name], METADATA.tables["passport_event_outbox"]
    key = next(iter(table.primary_key))
    for row in rows_of(filled, table):
        its_key = str(row[key.name])
        gone = attacked(filled, sa.delete(table).where(key == row[key.name]))
        assert Break(table=name, row=its_key, what="is gone, and an event tells of it") in gone
        untold = attacked(filled, sa.delete(events).where(events.c.source_event_id == row[key.name]))
        assert Break(table=name, row=its_key, what="has no event that tells of it") in untold


def test_the_log_of_a_replay_is_walked_too(filled: Ledger) -> None:
    log = METADATA.tables["replay_log"]
    for number in range(1, N_REPLAYED + 1):
        this = log.c.row_number == number
        for change in (
            sa.update(log).where(this).values(payload='{"n":9}'),
            sa.update(log).where(this).values(row_hash="f" * 64),
            sa.delete(log).where(this),
        ):
            (found,) = attacked(filled, change)
            assert (found.table, found.number) in {("replay_log", number), ("replay_log", N_REPLAYED - 1)}


def test_what_cannot_even_be_read_is_named_and_the_walk_goes_on(sqlite_ledger: Ledger) -> None:
    fill(sqlite_ledger)
    columns = {
        "passport_event_outbox": "payload", "pnl_entries": "occurred_at", "decision_trajectories": "decision_features",
        "model_inference_logs": "user_id",
    }  # fmt: skip
    for name, column in columns.items():
        for garbage in ("'{'", "'[1]'", "7", "x'00ff'"):
            change = sa.text(f"UPDATE {name} SET {column} = {garbage} WHERE chain_number = 2")
            found = attacked(sqlite_ledger, change)
            assert {(one.table, one.number) for one in found} >= {(name, 2)}
            assert all(one.table == name for one in found if one.number is not None)
    for name in ("tracked_signals", "quick_trades"):
        found = attacked(sqlite_ledger, sa.text(f"UPDATE {name} SET created_at = 'soon'"))
        assert {one.table for one in found} == {name}


def test_a_ledger_in_ruins_ends_the_walk_in_time(filled: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_check, "MOST_BREAKS", 3)
    found = attacked(filled, sa.text("UPDATE passport_event_outbox SET trace_id = 'x'"))
    assert len(found) == 4
    assert "and more" in found[-1].what


@given(data=st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_single_change_is_found_wherever_it_is(filled_once: Callable[[], Ledger], data: st.DataObject) -> None:
    ledger = filled_once()
    name = data.draw(st.sampled_from(sorted(CHAINS)))
    chain = CHAINS[name]
    row = data.draw(st.sampled_from(rows_of(ledger, chain.table)))
    this = chain.table.c[chain.key] == row[chain.key]
    column = chain.table.c[data.draw(st.sampled_from([*chain.columns, *LINKS]))]
    changes = {
        "edit": sa.update(chain.table).where(this).values({column.name: other(column, row[column.name])}),
        "remove": sa.delete(chain.table).where(this),
    }
    assert attacked(ledger, changes[data.draw(st.sampled_from(sorted(changes)))])


@pytest.fixture
def filled_once(ledger: Ledger) -> Callable[[], Ledger]:
    """One ledger for all examples: an attack is taken back."""
    fill(ledger)
    return lambda: ledger
