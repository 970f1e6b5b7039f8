"""The outbox: an event waits, untried, until it is told."""

import pytest
import sqlalchemy as sa

from ledger_world import START, USER, fill_user_tables, promoted
from pawl.errors import RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.identity import identity

EVENT = {
    "user_id": USER, "trace_id": "trace", "source_table": "quick_trades", "source_event_id": identity("trade", 1),
    "event_type": "trade.opened", "payload": {}, "occurred_at": START,
}  # fmt: skip

REFUSED = (
    "event_id user_id trace_id inference_id source_table source_event_id event_type payload occurred_at recorded_at "
    "chain_month chain_number prev_hash row_hash"
).split()


def test_a_new_event_has_never_been_tried_and_waits(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        fill_user_tables(tx)
        event = tx.execute(sa.select(event_outbox)).one()
    assert (event.attempts, event.processed_at, event.payload) == (0, None, {"size": 100.0})
    assert event.recorded_at.tzinfo is not None


@pytest.mark.parametrize("change", [{"attempts": -1}, {"event_type": ""}, {"source_table": ""}])
def test_an_event_that_makes_no_sense_is_refused(ledger: Ledger, change: dict[str, object]) -> None:
    with pytest.raises(RefusalError, match="ck_passport_event_outbox"), ledger.transaction() as tx:
        tx.execute(sa.insert(event_outbox).values({**EVENT, **change}))
    with ledger.transaction() as tx:
        tx.execute(sa.insert(event_outbox).values(EVENT))


def test_attempts_are_never_counted_below_none(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.execute(sa.insert(event_outbox).values(EVENT))
    with pytest.raises(RefusalError, match="ck_passport_event_outbox_attempts"), ledger.transaction() as tx:
        tx.execute(sa.update(event_outbox).values(attempts=-1))


@pytest.mark.parametrize("column", REFUSED)
def test_pass_r4_the_database_refuses_to_change_what_an_event_says(ledger: Ledger, column: str) -> None:
    with ledger.transaction() as tx:
        tx.execute(sa.insert(event_outbox).values(EVENT))
    with pytest.raises(RefusalError, match="append-only"), ledger.transaction() as tx:
        tx.execute(sa.text(f"UPDATE passport_event_outbox SET {column} = {column}"))
    assert {one.name for one in event_outbox.c} - {*REFUSED, "attempts", "processed_at", "next_attempt_at"} == set()


def test_pass_r4_the_database_refuses_to_take_an_event_away(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.execute(sa.insert(event_outbox).values(EVENT))
    taken = {
        "sqlite": "INSERT OR REPLACE INTO passport_event_outbox SELECT * FROM passport_event_outbox",
        "postgresql": "TRUNCATE passport_event_outbox",
    }[ledger.engine.dialect.name]
    for change in ("DELETE FROM passport_event_outbox", taken):
        with pytest.raises(RefusalError, match="append-only"), ledger.transaction() as tx:
            tx.execute(sa.text(change))
    with ledger.reading() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(event_outbox)).scalar_one() == 1


def test_the_delivery_of_an_event_goes_on(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.execute(sa.insert(event_outbox).values(EVENT))
        tx.execute(sa.update(event_outbox).values(attempts=2, next_attempt_at=START, processed_at=START))
        assert tx.execute(sa.select(event_outbox.c.attempts)).scalar_one() == 2


def test_what_waits_is_found_by_its_index(postgresql_ledger: Ledger) -> None:
    waiting = sa.select(event_outbox.c.event_id).where(event_outbox.c.processed_at.is_(None))
    with postgresql_ledger.reading() as tx:
        tx.execute(sa.text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(tx.execute(sa.text(f"EXPLAIN {waiting.order_by(event_outbox.c.recorded_at)}")).scalars())
    assert "ix_passport_event_outbox_pending" in plan
