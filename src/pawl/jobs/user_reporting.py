"""Makes the reports that users asked for: from the ledger alone, so that making one twice gives the same."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import PawlError, RefusalError
from pawl.evaluation.behaviour import measure_behaviour
from pawl.evaluation.trade_results import trade_results
from pawl.jobs.learning_status import PassportRules
from pawl.ledger.behaviour_rows import read_behaviour
from pawl.ledger.column_types import utc_text
from pawl.ledger.database import Ledger
from pawl.ledger.evidence import events_of
from pawl.ledger.user_reports import StoredReport, fail_report, start_report, succeed_report, unfinished_reports
from pawl.reports.plain_words import forbidden_expressions
from pawl.reports.user_report import ReportEvidence, UserReport, compose_report

__all__ = ["generate_report", "report_window", "resume_reports"]


def report_window(report: StoredReport, weeks: int) -> tuple[datetime, datetime]:
    """The window of a report: as asked; without an end, to when it was asked; without a start, so many weeks before.

    >>> from datetime import UTC
    >>> asked = StoredReport(report_id=UUID(int=1), user_id=UUID(int=2), status="queued", content=None, error=None,
    ...     request={"window_start": None, "window_end": "2024-05-01T00:00:00.000000Z"}, finished_at=None,
    ...     created_at=datetime(2024, 6, 1, tzinfo=UTC))
    >>> report_window(asked, 2)[0]
    datetime.datetime(2024, 4, 17, 0, 0, tzinfo=datetime.timezone.utc)
    """
    start, end = (report.request[name] for name in ("window_start", "window_end"))
    until = report.created_at if end is None else datetime.fromisoformat(end)
    return until - timedelta(weeks=weeks) if start is None else datetime.fromisoformat(start), until


def generate_report(ledger: Ledger, report_id: UUID, rules: PassportRules, now: datetime) -> bool:
    """Make a report and keep it; False where it is finished already. What cannot be made is failed, with the reason."""
    with ledger.transaction() as tx:
        report = start_report(tx, report_id)
    if report is None:
        return False
    try:
        with ledger.reading() as tx:
            made = _compose(tx, report, rules)
        _require_plain(made)
    except PawlError as error:
        with ledger.transaction() as tx:
            return fail_report(tx, report_id, error.what, now)
    with ledger.transaction() as tx:
        return succeed_report(tx, report_id, _content(made), now)


def resume_reports(ledger: Ledger, rules: PassportRules, now: datetime) -> int:
    """Make every report that still waits, or whose making was cut off; how many were made."""
    with ledger.reading() as tx:
        waiting = unfinished_reports(tx)
    return sum(generate_report(ledger, report_id, rules, now) for report_id in waiting)


def _compose(tx: sa.Connection, report: StoredReport, rules: PassportRules) -> UserReport:
    start, end = report_window(report, rules.behaviour.weeks)
    # A decision of before the window may have ended in it.
    rows = read_behaviour(tx, report.user_id, start - (end - start), rules.passport.utility.neutral_band_bps)
    behaviours = measure_behaviour(rows, rules.limits, start, end)
    results = trade_results(rows, start, end)
    occurrences = [each for one in behaviours for each in (*one.occurrences, *one.others)] + list(results.newest)
    named = (name for one in occurrences for name in one.trajectory_ids)
    return compose_report(
        ReportEvidence(
            start=start,
            end=end,
            behaviours=behaviours,
            results=results,
            links=events_of(tx, report.user_id, named),
            min_sample=rules.behaviour.min_exposures,
        )
    )


def _require_plain(report: UserReport) -> None:
    found = forbidden_expressions(report.markdown)
    if found:
        raise RefusalError(
            f"the report says `{found[0]}`", where="report", fix="mend the sentences in reports/user_report_words.py"
        )


def _content(report: UserReport) -> Mapping[str, Any]:
    return {
        "window_start": utc_text(report.start),
        "window_end": utc_text(report.end),
        "claims": [
            {**asdict(claim), "kind": claim.kind.value, "event_ids": list(claim.event_ids)} for claim in report.claims
        ],
        "markdown": report.markdown,
    }
