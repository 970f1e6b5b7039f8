"""Making reports: from the ledger alone, twice the same, and failed with a reason where it cannot be."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from passport_world import ME, NOW, OTHER, RULES, decide
from pawl.jobs.user_reporting import generate_report, resume_reports
from pawl.ledger.database import Ledger
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.user_reports import StoredReport, get_user_report, request_report, start_report
from pawl.reports import user_report_words
from pawl.reports.user_report_words import WORDS, PatternWords

OPEN = {"window_start": None, "window_end": None}


def asked(ledger: Ledger, who: UUID = ME, key: str = "k", request: dict[str, str | None] | None = None) -> UUID:
    """The id of a report that waits."""
    with ledger.transaction() as tx:
        return request_report(tx, who, key, request or OPEN, NOW)[0].report_id


def found(ledger: Ledger, report_id: UUID, who: UUID = ME) -> StoredReport:
    """A report as it stands."""
    with ledger.reading() as tx:
        return get_user_report(tx, who, report_id)


@pytest.fixture
def world(ledger: Ledger) -> Ledger:
    """Two users who decided a lot."""
    with ledger.transaction() as tx:
        decide(tx, ME, 150, 1)
        decide(tx, OTHER, 150, 2)
    return ledger


def test_a_report_names_events_of_its_user_alone(world: Ledger) -> None:
    report_id = asked(world)
    assert generate_report(world, report_id, RULES, NOW)
    stored = found(world, report_id)
    assert stored.status == "succeeded" and stored.content is not None
    claims = stored.content["claims"]
    assert {"no_stop_loss", "over_leverage"} <= {claim["about"] for claim in claims}
    with world.reading() as tx:
        mine = {str(one) for one in tx.execute(
            sa.select(event_outbox.c.event_id).where(event_outbox.c.user_id == ME)).scalars()}  # fmt: skip
    assert all(claim["event_ids"] and set(claim["event_ids"]) <= mine for claim in claims)


def test_a_report_that_is_made_again_says_the_same(world: Ledger) -> None:
    first, second = asked(world, key="a"), asked(world, key="b")
    generate_report(world, first, RULES, NOW)
    generate_report(world, second, RULES, NOW + timedelta(days=30))
    assert found(world, first).content == found(world, second).content
    assert not generate_report(world, first, RULES, NOW)  # it is finished


def test_what_was_queued_or_cut_off_is_made_by_the_next_process(world: Ledger) -> None:
    queued, cut_off = asked(world, key="a"), asked(world, key="b")
    with world.transaction() as tx:
        start_report(tx, cut_off)
    assert resume_reports(world, RULES, NOW) == 2
    assert {found(world, one).status for one in (queued, cut_off)} == {"succeeded"}
    assert resume_reports(world, RULES, NOW) == 0


def test_a_window_leaves_out_what_lies_beside_it(world: Ledger) -> None:
    before = {"window_start": "2020-01-01T00:00:00.000000Z", "window_end": "2020-03-01T00:00:00.000000Z"}
    report_id = asked(world, request=before)
    generate_report(world, report_id, RULES, NOW)
    stored = found(world, report_id)
    assert stored.content is not None
    assert stored.content["claims"] == []
    assert stored.content["window_start"] == before["window_start"]


def test_a_user_without_decisions_gets_a_report_without_claims(sqlite_ledger: Ledger) -> None:
    report_id = asked(sqlite_ledger)
    generate_report(sqlite_ledger, report_id, RULES, NOW)
    stored = found(sqlite_ledger, report_id)
    assert stored.content is not None and stored.content["claims"] == []


def test_a_sentence_that_promises_fails_the_report(
    sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with sqlite_ledger.transaction() as tx:
        decide(tx, ME, 150, 1)
    promising = PatternWords(weakness="{hits} {n} {rate}", strength="{kept} of {n}", proposal="A stop is guaranteed.")
    monkeypatch.setitem(user_report_words.WORDS, "no_stop_loss", promising)
    report_id = asked(sqlite_ledger)
    assert generate_report(sqlite_ledger, report_id, RULES, NOW)
    stored = found(sqlite_ledger, report_id)
    assert (stored.status, stored.content) == ("failed", None)
    assert stored.error == "the report says `guaranteed`"
    assert WORDS["no_stop_loss"] is promising
