"""The four write paths: a primary row and one event, together or not at all, and once however often they are sent."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from ledger_world import START, USER, day
from pawl.errors import (
    AlreadyClosedError,
    AlreadyConvertedError,
    BeforeOpenError,
    IdempotencyConflictError,
    InputError,
    NotFoundError,
    PawlError,
    RefusalError,
)
from pawl.ledger.chain import CHAINS, genesis, row_digest, seal
from pawl.ledger.database import Ledger
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.identity import identity
from pawl.ledger.inferences import append_inferences
from pawl.ledger.trade_tables import pnl_entries, quick_trades, tracked_signals
from pawl.ledger.write_commands import WriteCommand, Written
from pawl.ledger.write_paths import apply_writes
from recorded_decision import INFERENCE
from user_commands import ADVICE, close_trade, convert_signal, open_trade, signal_of, track_signal, trade_of

NOW = day(40)
OTHER = identity("user", "another")
TABLES = (tracked_signals, quick_trades, pnl_entries, event_outbox)

# By its event: what must stand before, the command, and the rows it makes beside its event.
PATHS: dict[str, tuple[list[WriteCommand], WriteCommand, str]] = {
    "signal.tracked": ([], track_signal("a"), "tracked_signals"),
    "trade.opened": ([], open_trade("a"), "quick_trades"),
    "signal.converted": ([track_signal("s")], convert_signal("a", signal_of("s")), "quick_trades"),
    "trade.closed": ([open_trade("o")], close_trade("a", trade_of("o"), day(1)), "pnl_entries"),
}


def send(ledger: Ledger, *commands: WriteCommand, now: datetime = NOW) -> list[Written | PawlError]:
    with ledger.transaction() as tx:
        return apply_writes(tx, commands, now)


def sent(ledger: Ledger, *commands: WriteCommand, now: datetime = NOW) -> list[Written]:
    answers = send(ledger, *commands, now=now)
    assert all(isinstance(one, Written) for one in answers), answers
    return [one for one in answers if isinstance(one, Written)]


def refusal(ledger: Ledger, command: WriteCommand) -> PawlError:
    before = counts(ledger)
    (answer,) = send(ledger, command)
    assert isinstance(answer, PawlError)
    assert counts(ledger) == before
    return answer


def counts(ledger: Ledger) -> dict[str, int]:
    with ledger.reading() as tx:
        return {table.name: tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in TABLES}


@pytest.mark.parametrize("event_type", PATHS)
def test_pass_r2_each_path_writes_its_row_and_exactly_one_event(ledger: Ledger, event_type: str) -> None:
    first, command, table = PATHS[event_type]
    sent(ledger, *first)
    before = counts(ledger)
    (written,) = sent(ledger, command)
    more = {name: n - before[name] for name, n in counts(ledger).items() if n != before[name]}
    assert more == {table: 1, "passport_event_outbox": 1}
    with ledger.reading() as tx:
        event = tx.execute(sa.select(event_outbox).where(event_outbox.c.event_id == command.event_id)).one()
        target = CHAINS[table].table if table in CHAINS else {one.name: one for one in TABLES}[table]
        key = next(iter(target.primary_key))
        row = tx.execute(sa.select(target).where(key == event.source_event_id)).one()
    assert (event.event_type, event.source_table, event.processed_at, event.attempts) == (event_type, table, None, 0)
    assert (event.user_id, event.recorded_at, row.created_at) == (USER, NOW, NOW)
    assert row.trace_id == event.trace_id == written.trace_id
    assert (written.source_event_id, written.is_new) == (event.source_event_id, True)


@pytest.mark.parametrize("event_type", PATHS)
def test_pass_r2_without_its_row_there_is_no_event(ledger: Ledger, event_type: str) -> None:
    first, command, _ = PATHS[event_type]
    sent(ledger, *first)
    before = counts(ledger)
    with pytest.raises(RefusalError, match="rolled back"), ledger.transaction() as tx:
        apply_writes(tx, [command], NOW)
        raise RefusalError("rolled back", where="test", fix="nothing")
    assert counts(ledger) == before


@pytest.mark.parametrize("event_type", PATHS)
def test_pass_r2_where_the_database_refuses_the_row_there_is_no_event(ledger: Ledger, event_type: str) -> None:
    first, command, table = PATHS[event_type]
    sent(ledger, *first)
    before = counts(ledger)
    with ledger.transaction() as tx:
        tx.execute(sa.text(REFUSE[ledger.engine.dialect.name].format(table=table)))
        if ledger.engine.dialect.name == "postgresql":
            tx.execute(sa.text(f"CREATE TRIGGER stop BEFORE INSERT ON {table} EXECUTE FUNCTION refuse_change()"))
    with pytest.raises(RefusalError), ledger.transaction() as tx:
        apply_writes(tx, [command], NOW)
    assert counts(ledger) == before


REFUSE = {
    "sqlite": "CREATE TRIGGER stop BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'stopped'); END",
    "postgresql": "SELECT '{table}'",
}


def test_rows_say_what_was_sent(ledger: Ledger) -> None:
    inference = replace(INFERENCE, user_id=USER)
    with ledger.transaction() as tx:
        append_inferences(tx, [inference])
    signal, trade = signal_of("s", at=day(1)), trade_of("c", at=day(2))
    of_trade = close_trade("x", trade, day(3), decision_id=str(signal), hold_sec=86_400)
    track = track_signal("s", day(1), inference_id=inference.inference_id)
    tracked, converted, closed = sent(ledger, track, convert_signal("c", signal, day(2)), of_trade)
    trace_id = f"u/{signal}"
    assert tracked.trace_id == converted.trace_id == closed.trace_id == trace_id
    assert {one.inference_id for one in (tracked, converted, closed)} == {inference.inference_id}
    with ledger.reading() as tx:
        its_signal = tx.execute(sa.select(tracked_signals)).one()
        its_trade = tx.execute(sa.select(quick_trades)).one()
        entry = tx.execute(sa.select(pnl_entries)).one()
    assert (its_signal.direction, its_signal.confidence, its_signal.plan["sl_bps"]) == ("long", 0.71, 120.0)
    assert (its_signal.plan["tp_bps"], its_signal.rationale_hash) == ([180.0, 240.0], ADVICE.rationale_hash)
    assert (its_signal.status, its_signal.converted_at, its_signal.tracked_at) == ("converted", day(2), day(1))
    assert (its_trade.signal_id, its_trade.decision_price, its_trade.entry_price) == (signal, 42_000.0, 42_010.5)
    assert (its_trade.status, its_trade.closed_at, its_trade.exit_price) == ("closed", day(3), 42_630.0)
    assert (its_trade.size, its_trade.leverage, its_trade.is_followed) == (1_000.0, 2.0, True)
    assert (entry.trade_id, entry.is_final, entry.pnl_bps, entry.hold_sec) == (trade, True, 140.0, 86_400)
    assert (entry.occurred_at, entry.slippage_bps, entry.max_drawdown_bps) == (day(3), 2.5, 35.5)


def test_events_and_results_hang_on_their_chains(ledger: Ledger) -> None:
    sent(ledger, track_signal("s"), open_trade("o"), now=day(0))
    sent(ledger, close_trade("x", trade_of("o"), day(1)), open_trade("p"), now=day(1))
    sent(ledger, open_trade("later"))
    for table, n in ((event_outbox, {"2024-01": 4, "2024-02": 1}), (pnl_entries, {"2024-01": 1})):
        with ledger.reading() as tx:
            rows = tx.execute(sa.select(table).order_by(table.c.chain_month, table.c.chain_number)).mappings().all()
        for month, wanted in n.items():
            previous, number = genesis(table.name, month), 0
            for row in (one for one in rows if one["chain_month"] == month):
                number += 1
                assert (row["chain_number"], row["prev_hash"]) == (number, previous)
                assert row["row_hash"] == seal(previous, row_digest(CHAINS[table.name], row))
                previous = row["row_hash"]
            assert number == wanted


@pytest.mark.parametrize("event_type", PATHS)
def test_the_same_request_sent_again_is_the_same_row(ledger: Ledger, event_type: str) -> None:
    first, command, _ = PATHS[event_type]
    sent(ledger, *first)
    (written,) = sent(ledger, command)
    before = counts(ledger)
    again, and_again = sent(ledger, command, command, now=day(90))
    assert again == and_again == written._replace(is_new=False)
    assert counts(ledger) == before


def test_two_equal_commands_of_one_batch_are_one_row(ledger: Ledger) -> None:
    one, other = sent(ledger, open_trade("a"), open_trade("a"))
    assert (one.is_new, other) == (True, one._replace(is_new=False))
    assert counts(ledger)["passport_event_outbox"] == 1


def test_a_key_used_for_another_request_is_a_conflict(ledger: Ledger) -> None:
    sent(ledger, open_trade("a"))
    for other in (open_trade("a", size=2_000.0), track_signal("a")):
        found = refusal(ledger, other)
        assert isinstance(found, IdempotencyConflictError)
        assert found.code == "idempotency_conflict"
    first, second = send(ledger, open_trade("b"), open_trade("b", size=7.0))
    assert isinstance(first, Written)
    assert isinstance(second, IdempotencyConflictError)
    assert sent(ledger, open_trade("a", user=OTHER))[0].is_new  # keys are a user's own


@pytest.mark.parametrize(
    "make",
    [
        lambda: convert_signal("x", signal_of("nobody")),
        lambda: convert_signal("x", "'; DROP TABLE quick_trades; --"),
        lambda: close_trade("x", trade_of("nobody"), day(1)),
        lambda: close_trade("x", "../../etc/passwd", day(1)),
        lambda: open_trade("x", inference_id=identity("inference", "nobody")),
        lambda: track_signal("x", inference_id=identity("inference", "nobody")),
        lambda: track_signal("x", inference_id=INFERENCE.inference_id),
        lambda: convert_signal("x", signal_of("foreign", OTHER)),
        lambda: close_trade("x", trade_of("theirs", OTHER), day(1)),
    ],
)
def test_what_is_unknown_or_foreign_is_not_found(ledger: Ledger, make: Callable[[], WriteCommand]) -> None:
    with ledger.transaction() as tx:
        append_inferences(tx, [replace(INFERENCE, user_id=OTHER)])
    sent(ledger, track_signal("foreign", user=OTHER), open_trade("theirs", user=OTHER))
    found = refusal(ledger, make())
    assert isinstance(found, NotFoundError)
    assert "another" not in str(found)


def test_an_inference_of_the_house_may_be_followed_by_anybody(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        append_inferences(tx, [INFERENCE])
    (written,) = sent(ledger, track_signal("s", inference_id=INFERENCE.inference_id))
    assert written.inference_id == INFERENCE.inference_id


def test_a_trade_is_closed_once(ledger: Ledger) -> None:
    sent(ledger, open_trade("o"), close_trade("x", trade_of("o"), day(1)))
    found = refusal(ledger, close_trade("y", trade_of("o"), day(2)))
    assert (type(found), found.code) == (AlreadyClosedError, "already_closed")
    opened, closed, again = send(
        ledger, open_trade("p"), close_trade("v", trade_of("p"), day(1)), close_trade("w", trade_of("p"), day(1))
    )
    assert (type(opened), type(closed), type(again)) == (Written, Written, AlreadyClosedError)


def test_a_signal_is_converted_once(ledger: Ledger) -> None:
    sent(ledger, track_signal("s"), convert_signal("c", signal_of("s")))
    found = refusal(ledger, convert_signal("d", signal_of("s")))
    assert (type(found), found.code) == (AlreadyConvertedError, "already_converted")


def test_nothing_ends_before_it_begins(ledger: Ledger) -> None:
    sent(ledger, track_signal("s", day(1)), open_trade("o", day(1)))
    early = day(1) - timedelta(microseconds=1)
    signal, trade = signal_of("s", at=day(1)), trade_of("o", at=day(1))
    for command in (convert_signal("c", signal, early), close_trade("x", trade, early)):
        found = refusal(ledger, command)
        assert (type(found), found.code) == (BeforeOpenError, "before_open")
    sent(ledger, convert_signal("c", signal, day(1)), close_trade("x", trade, day(1)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: open_trade("x", ticker="nul\x00"),
        lambda: replace(open_trade("x"), payload=open_trade("x").payload.model_copy(update={"ticker": "half \ud800"})),
        lambda: open_trade("x", opened_at=START.replace(tzinfo=None)),
        lambda: track_signal("x", decided_at=datetime.fromisoformat("0001-01-01T00:00:00+05:00")),
        lambda: open_trade("x", trade_id=str(trade_of("y"))),
        lambda: track_signal("x", signal_id=str(signal_of("y"))),
        lambda: close_trade("x", trade_of("o"), day(1), hold_sec=2**31),
        lambda: close_trade("x", trade_of("o"), day(1), decision_id=str(signal_of("o"))),
        lambda: close_trade("x", trade_of("o"), day(1), ticker="ETHUSDT"),
        lambda: close_trade("x", trade_of("o"), day(1), entry_id=str(trade_of("o"))),
        lambda: open_trade("x", horizon_sec=2**53 + 1),
    ],
)
def test_what_no_row_can_hold_spoils_nothing_beside_it(ledger: Ledger, make: Callable[[], WriteCommand]) -> None:
    sent(ledger, open_trade("o"))
    before, odd, after = send(ledger, track_signal("before"), make(), track_signal("after"))
    assert isinstance(before, Written)
    assert isinstance(odd, InputError)
    assert isinstance(after, Written)
    assert counts(ledger)["passport_event_outbox"] == 3


def test_pass_r39_no_wallet_or_address_reaches_the_payload_of_an_event(ledger: Ledger) -> None:
    wallet, mail = "0x52908400098527886E0F7030069857D2E4169EE7", "ann@example.org"
    odd = ADVICE.model_copy(update={"rationale_hash": f"ask {mail}", "learner": wallet})
    written, plain = sent(ledger, track_signal("s", recommendation=odd, ticker=mail), track_signal("t"))
    with ledger.reading() as tx:
        found = "".join(str(row) for table in TABLES for row in tx.execute(sa.select(table)))
    assert mail not in found
    assert wallet not in found
    assert written.payload.ticker == "[email]"
    assert plain.payload == track_signal("t").payload
    assert sent(ledger, track_signal("s", recommendation=odd, ticker=mail))[0] == written._replace(is_new=False)


def test_a_batch_of_nothing_is_fine(ledger: Ledger) -> None:
    assert send(ledger) == []
    (only,) = send(ledger, open_trade("x", ticker="nul\x00"))
    assert isinstance(only, InputError)
