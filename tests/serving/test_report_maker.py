"""The maker of reports: one that cannot be made stops no other, and what is not made waits for the next maker."""

import threading
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from passport_world import ME, NOW, RULES
from pawl.errors import StorageError
from pawl.ledger.database import Ledger
from pawl.ledger.user_reports import get_user_report, request_report
from pawl.serving import report_maker
from pawl.serving.report_maker import ReportMaker

OPEN = {"window_start": None, "window_end": None}


def asked(ledger: Ledger, key: str) -> UUID:
    """The id of a report that waits."""
    with ledger.transaction() as tx:
        return request_report(tx, ME, key, OPEN, NOW)[0].report_id


def state(ledger: Ledger, report_id: UUID) -> tuple[str, str | None]:
    """Status and error of a report."""
    with ledger.reading() as tx:
        found = get_user_report(tx, ME, report_id)
    return found.status, found.error


def maker_of(ledger: Ledger) -> ReportMaker:
    """A maker whose clock stands still."""
    return ReportMaker(ledger, RULES, lambda: NOW)


def test_a_fault_fails_its_report_and_no_other(sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = asked(sqlite_ledger, "bad"), asked(sqlite_ledger, "good")
    make = report_maker.generate_report

    def faulty(ledger: Ledger, report_id: UUID, rules: Any, now: datetime) -> bool:
        if report_id == bad:
            with ledger.transaction() as tx:
                report_maker.start_report(tx, report_id)
            raise KeyError("a fault that nobody thought of")
        return make(ledger, report_id, rules, now)

    monkeypatch.setattr(report_maker, "generate_report", faulty)
    maker = maker_of(sqlite_ledger)
    for waiting in [maker.submit(bad), maker.submit(good)]:
        waiting.result(timeout=60)
    maker.close()
    assert state(sqlite_ledger, bad) == ("failed", "a fault in the server")  # and nothing of the fault itself
    assert state(sqlite_ledger, good) == ("succeeded", None)


def test_a_fault_before_a_report_was_begun_fails_it_too(sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*_: Any) -> bool:
        raise KeyError("a fault that nobody thought of")

    monkeypatch.setattr(report_maker, "generate_report", faulty)
    report_id, maker = asked(sqlite_ledger, "a"), maker_of(sqlite_ledger)
    assert maker.submit(report_id).result(timeout=60)
    maker.close()
    assert state(sqlite_ledger, report_id)[0] == "failed"


def test_a_ledger_that_does_not_answer_fails_nothing(sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> bool:
        raise StorageError("the ledger does not answer", where="test", fix="wait")

    report_id, maker = asked(sqlite_ledger, "a"), maker_of(sqlite_ledger)
    with monkeypatch.context() as patched:
        patched.setattr(report_maker, "generate_report", away)
        assert not maker.submit(report_id).result(timeout=60)
    maker.close()
    assert state(sqlite_ledger, report_id) == ("queued", None)
    with maker_of(sqlite_ledger) as following:
        following.submit(UUID(int=0)).result(timeout=60)  # one thread: what came before it is done
    assert state(sqlite_ledger, report_id) == ("succeeded", None)


def test_what_was_not_begun_when_a_maker_ends_stays_queued(
    sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = asked(sqlite_ledger, "a"), asked(sqlite_ledger, "b")
    begun, may_end = threading.Event(), threading.Event()
    make = report_maker.generate_report

    def slow(*arguments: Any) -> bool:
        begun.set()
        assert may_end.wait(timeout=60)
        return make(*arguments)

    monkeypatch.setattr(report_maker, "generate_report", slow)
    maker = maker_of(sqlite_ledger)
    maker.submit(first)
    waiting = maker.submit(second)
    assert begun.wait(timeout=60)
    closing = threading.Thread(target=maker.close)
    closing.start()
    while not waiting.cancelled():
        closing.join(timeout=0.01)
    may_end.set()
    closing.join()
    assert (state(sqlite_ledger, first)[0], state(sqlite_ledger, second)[0]) == ("succeeded", "queued")
