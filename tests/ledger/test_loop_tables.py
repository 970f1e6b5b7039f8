"""The outbox of the loop: what an event says never changes, and a step back loses none that waits."""

import pytest
import sqlalchemy as sa

from ledger_world import START, day
from pawl.errors import RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.loop_tables import loop_outbox
from pawl.ledger.schema import step_back

EVENT = {"event_id": identity("loop_event", 1), "topic": "new_market_data", "at": START, "payload": {}}
SAID = "number event_id topic at payload trace_id created_at".split()


def test_a_new_event_waits_untried(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.execute(sa.insert(loop_outbox).values(EVENT))
        event = tx.execute(sa.select(loop_outbox)).one()
    assert (event.attempts, event.published_at, event.trace_id) == (0, None, None)
    assert event.created_at.tzinfo is not None


@pytest.mark.parametrize("change", [{"topic": "news"}, {"attempts": -1}])
def test_an_event_that_makes_no_sense_is_refused(ledger: Ledger, change: dict[str, object]) -> None:
    with pytest.raises(RefusalError, match="ck_loop_outbox"), ledger.transaction() as tx:
        tx.execute(sa.insert(loop_outbox).values({**EVENT, **change}))


@pytest.mark.parametrize("column", SAID)
def test_what_an_event_says_never_changes(ledger: Ledger, column: str) -> None:
    with ledger.transaction() as tx:
        tx.execute(sa.insert(loop_outbox).values(EVENT))
    with pytest.raises(RefusalError, match="append-only"), ledger.transaction() as tx:
        tx.execute(sa.text(f"UPDATE loop_outbox SET {column} = {column}"))
    assert {one.name for one in loop_outbox.c} == {*SAID, "published_at", "attempts"}


def test_a_step_back_is_refused_while_an_event_waits(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.execute(sa.insert(loop_outbox).values(EVENT))
    with pytest.raises(RefusalError, match="not published"), ledger.transaction() as tx:
        step_back(tx, "r0003")
    with ledger.transaction() as tx:
        tx.execute(sa.update(loop_outbox).values(published_at=day(1)))
        step_back(tx, "r0003")
        assert not sa.inspect(tx).has_table("loop_outbox")
    ledger.make_current()
    with ledger.transaction() as tx:
        tx.execute(sa.insert(loop_outbox).values(EVENT))


def test_what_waits_is_found_by_its_index(postgresql_ledger: Ledger) -> None:
    waiting = sa.select(loop_outbox.c.event_id).where(loop_outbox.c.published_at.is_(None)).order_by("number").limit(9)
    with postgresql_ledger.reading() as tx:
        tx.execute(sa.text("SET LOCAL enable_seqscan = off"))
        compiled = waiting.compile(tx.engine, compile_kwargs={"literal_binds": True})
        plan = "\n".join(tx.execute(sa.text(f"EXPLAIN {compiled}")).scalars())
    assert "ix_loop_outbox_unpublished" in plan
