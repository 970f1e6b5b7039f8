"""Reports of users: one a key, one way through their states, and for nobody else."""

from datetime import timedelta
from uuid import UUID

import pytest

from passport_world import ME, NOW, OTHER
from pawl.errors import IdempotencyConflictError, NotFoundError, RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.user_reports import (
    MOST_WAITING,
    fail_report,
    get_user_report,
    request_report,
    start_report,
    succeed_report,
    unfinished_reports,
)

ASKED = {"window_start": None, "window_end": None}


def asked(ledger: Ledger, who: UUID = ME, key: str = "k") -> UUID:
    """The id of a report that was asked for."""
    with ledger.transaction() as tx:
        return request_report(tx, who, key, ASKED, NOW)[0].report_id


def test_the_same_key_finds_the_same_report_and_another_user_another(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        first, was_new = request_report(tx, ME, "k", ASKED, NOW)
        again, is_new = request_report(tx, ME, "k", ASKED, NOW + timedelta(days=1))
    assert (again, was_new, is_new) == (first, True, False)
    assert first.created_at == NOW
    assert len({first.report_id, asked(ledger, OTHER), asked(ledger, ME, "other")}) == 3


def test_a_key_that_was_used_for_another_window_is_refused(ledger: Ledger) -> None:
    asked(ledger)
    with ledger.transaction() as tx, pytest.raises(IdempotencyConflictError, match="another window"):
        request_report(tx, ME, "k", {**ASKED, "window_end": "2024-01-01T00:00:00.000000Z"}, NOW)


def test_whoever_has_many_reports_waiting_waits_and_nobody_else_does(ledger: Ledger) -> None:
    for number in range(MOST_WAITING):
        asked(ledger, key=str(number))
    with pytest.raises(RefusalError, match="20 reports wait"):
        asked(ledger, key="one more")
    first = asked(ledger, key="0")  # what was asked before is found, not asked again
    assert asked(ledger, OTHER)
    with ledger.transaction() as tx:
        start_report(tx, first)
        succeed_report(tx, first, {"claims": []}, NOW)
    assert asked(ledger, key="one more") != asked(ledger, key="0") == first


def test_a_foreign_report_and_one_that_never_was_look_the_same(ledger: Ledger) -> None:
    report_id = asked(ledger)
    with ledger.reading() as tx:
        with pytest.raises(NotFoundError) as foreign:
            get_user_report(tx, OTHER, report_id)
        with pytest.raises(NotFoundError) as unknown:
            get_user_report(tx, ME, UUID(int=1))
        assert str(foreign.value) == str(unknown.value)
        assert get_user_report(tx, ME, report_id).status == "queued"


def test_a_report_runs_and_ends_once(ledger: Ledger) -> None:
    report_id = asked(ledger)
    with ledger.transaction() as tx:
        assert not succeed_report(tx, report_id, {"claims": []}, NOW)  # not before it was started
        started = start_report(tx, report_id)
        assert started is not None and started.status == "running"
        assert succeed_report(tx, report_id, {"claims": []}, NOW)
        assert not succeed_report(tx, report_id, {"claims": [1]}, NOW)
        assert not fail_report(tx, report_id, "late", NOW)
        assert start_report(tx, report_id) is None
        found = get_user_report(tx, ME, report_id)
    assert (found.status, found.content, found.error, found.finished_at) == ("succeeded", {"claims": []}, None, NOW)


def test_a_failed_report_says_why_and_one_that_was_cut_off_is_taken_up_again(ledger: Ledger) -> None:
    first, second, third = (asked(ledger, key=key) for key in "abc")
    with ledger.transaction() as tx:
        for report_id in (first, second):
            start_report(tx, report_id)
        fail_report(tx, first, "the ledger is empty", NOW)
        assert get_user_report(tx, ME, first).error == "the ledger is empty"
        assert set(unfinished_reports(tx)) == {second, third}
        assert start_report(tx, second) is not None


def test_a_report_without_its_content_cannot_have_succeeded(ledger: Ledger) -> None:
    import sqlalchemy as sa

    asked(ledger)
    with pytest.raises(RefusalError, match="content"), ledger.transaction() as tx:
        tx.execute(sa.text("UPDATE user_reports SET status = 'succeeded', finished_at = created_at"))
