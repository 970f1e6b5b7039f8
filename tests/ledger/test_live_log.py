"""The log of the live loop."""

import sqlalchemy as sa

from ledger_world import START, day
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import BEGIN, LiveEntry, has_loop, live_entries, log_live, n_trainings


def entry(on: int, kind: str = "cycle", key: str = "", n: int = 1) -> LiveEntry:
    return LiveEntry(learner="m002", at=day(on), kind=kind, name="collection", key=key, payload={"n": n})


def test_an_entry_that_stands_is_not_written_again(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        assert log_live(tx, [entry(1), entry(0, "received", "B"), entry(0, "received", "A")]) == 3
    with ledger.transaction() as tx:
        assert log_live(tx, [entry(1, n=2), entry(2)]) == 1
        assert log_live(tx, []) == 0
    with ledger.reading() as tx:
        found = live_entries(tx, "m002")
        assert live_entries(tx, "m002", "received") == found[:2]
        assert live_entries(tx, "reversal") == []
    assert [(one.at, one.key, one.payload["n"]) for one in found] == [
        (START, "A", 1),
        (START, "B", 1),
        (day(1), "", 1),
        (day(2), "", 1),
    ]


def test_trainings_are_found_by_their_own_index(sqlite_ledger: Ledger) -> None:
    """Among the thousands of pages that a day brings."""
    asked: list[tuple[str, object]] = []
    with sqlite_ledger.transaction() as tx:
        sa.event.listen(tx, "before_cursor_execute", lambda *args: asked.append((args[2], args[3])))
        assert n_trainings(tx, "m002") == 0
        assert live_entries(tx, "m002", "training", ("full training",)) == []
        for statement, parameters in list(asked):
            plan = tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            assert "ix_live_log_trainings" in str(plan)


def test_what_a_person_does_without_a_loop_makes_none(ledger: Ledger) -> None:
    """Else the first `pawl promote` by hand would end the workers' judging and promoting."""
    with ledger.transaction() as tx:
        act = LiveEntry(learner="m002", at=START, kind="act", name="promote", payload={})
        log_live(tx, [act])
        assert not has_loop(tx, "m002")
        log_live(tx, [LiveEntry(learner="m002", at=START, kind="act", name=BEGIN, payload={})])
        assert has_loop(tx, "m002") and not has_loop(tx, "tiny")
        log_live(tx, [LiveEntry(learner="tiny", at=START, kind="received", name="history", payload={})])
        assert has_loop(tx, "tiny")
