"""The outbox: an event waits, untried, until it is told."""

import pytest
import sqlalchemy as sa

from ledger_world import fill_user_tables, promoted
from pawl.errors import RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.event_tables import event_outbox


def test_a_new_event_has_never_been_tried_and_waits(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        fill_user_tables(tx)
        event = tx.execute(sa.select(event_outbox)).one()
    assert (event.attempts, event.processed_at, event.payload) == (0, None, {"size": 100.0})
    assert event.recorded_at.tzinfo is not None


@pytest.mark.parametrize("change", [{"attempts": -1}, {"event_type": ""}, {"source_table": ""}])
def test_an_event_that_makes_no_sense_is_refused(ledger: Ledger, change: dict[str, object]) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        fill_user_tables(tx)
    with pytest.raises(RefusalError, match="ck_passport_event_outbox"), ledger.transaction() as tx:
        tx.execute(sa.update(event_outbox).values(change))


def test_what_waits_is_found_by_its_index(postgresql_ledger: Ledger) -> None:
    waiting = sa.select(event_outbox.c.event_id).where(event_outbox.c.processed_at.is_(None))
    with postgresql_ledger.reading() as tx:
        tx.execute(sa.text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(tx.execute(sa.text(f"EXPLAIN {waiting.order_by(event_outbox.c.recorded_at)}")).scalars())
    assert "ix_passport_event_outbox_pending" in plan
