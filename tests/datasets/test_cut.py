"""How late a dataset may be cut."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from decision_events import START, chain, record
from pawl.datasets.cut import SETTLE, Cut, latest_cut, require_settled
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.trajectories import fold_events, pending_events
from pawl.errors import RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.service_tables import dead_letters

NOW = START + timedelta(days=30)


def cut(ledger: Ledger) -> Cut:
    with ledger.reading() as tx:
        return latest_cut(tx, NOW)


def test_where_nothing_waits_a_write_may_still_be_on_its_way(ledger: Ledger) -> None:
    assert cut(ledger) == Cut(latest=NOW - SETTLE, n_pending=0, parked_traces=())


def test_the_oldest_event_that_waits_is_the_latest_cut(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        record(tx, [*chain("a", START + timedelta(days=2)), *chain("b", START + timedelta(days=1))])
    assert cut(ledger).latest == START + timedelta(days=1)
    assert cut(ledger).n_pending == 6
    with pytest.raises(RefusalError, match="6 events wait"):
        require_settled(START + timedelta(days=1, seconds=1), cut(ledger))
    require_settled(START + timedelta(days=1), cut(ledger))
    with ledger.transaction() as tx:
        fold_events(tx, pending_events(tx, NOW, 9), PassportSettings(), NOW)
    assert cut(ledger).latest == NOW - SETTLE


def test_a_parked_event_holds_up_nobody_and_its_trace_is_named(ledger: Ledger) -> None:
    rows = chain("a")
    with ledger.transaction() as tx:
        record(tx, rows)
        for worker, item in (("trajectory-worker", str(rows[0]["event_id"])), ("eval-worker", "x"), ("other", "y")):
            letter = {"worker": worker, "item_id": item, "error": "…", "attempts": 1}
            tx.execute(sa.insert(dead_letters).values(letter))
    assert cut(ledger) == Cut(latest=NOW - SETTLE, n_pending=0, parked_traces=(rows[0]["trace_id"],))
    with ledger.transaction() as tx:
        tx.execute(sa.update(dead_letters).values(status="retried"))
    assert cut(ledger).latest == START
