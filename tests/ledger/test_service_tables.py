"""What the database refuses of tokens, parked work, schedules, reports and texts from outside."""

from typing import Any

import pytest
import sqlalchemy as sa

from ledger_world import START, USER, day
from pawl.errors import RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.schema import is_current, step_back
from pawl.ledger.service_tables import (
    api_tokens,
    corpus_documents,
    dead_letters,
    schedule_runs,
    user_reports,
    worker_heartbeats,
)  # fmt: skip

TOKEN = {"user_id": USER, "name": "laptop", "token_hash": "a" * 64}
LETTER = {"worker": "trajectory-worker", "item_id": "1", "error": "poison", "attempts": 5}
REPORT = {"user_id": USER, "request": {"days": 30}}
TEXT = {
    "source": "here", "licence": "MIT", "licence_checked_at": START, "content": "a text", "content_hash": "c" * 64,
}  # fmt: skip
RUN = {"schedule": "weekly", "due_at": START, "started_at": START}


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (api_tokens, {**TOKEN, "name": ""}),
        (dead_letters, {**LETTER, "attempts": 0}),
        (dead_letters, {**LETTER, "status": "lost"}),
        (user_reports, {**REPORT, "status": "written"}),
        (user_reports, {**REPORT, "status": "failed"}),
        (user_reports, {**REPORT, "finished_at": day(1)}),
        (user_reports, {**REPORT, "status": "succeeded", "finished_at": day(1)}),
        (user_reports, {**REPORT, "content": {}}),
        (corpus_documents, {**TEXT, "licence": ""}),
        (corpus_documents, {**TEXT, "content": ""}),
        (corpus_documents, {**TEXT, "source": ""}),
    ],
)
def test_a_row_that_makes_no_sense_is_refused(ledger: Ledger, table: sa.Table, row: dict[str, Any]) -> None:
    with pytest.raises(RefusalError, match=f"ck_{table.name}_"), ledger.transaction() as tx:
        tx.execute(sa.insert(table).values(row))


@pytest.mark.parametrize(
    ("table", "row"),
    [(api_tokens, TOKEN), (dead_letters, LETTER), (schedule_runs, RUN), (corpus_documents, TEXT),
     (worker_heartbeats, {"executor_id": "one", "beat_at": START})],
)  # fmt: skip
def test_what_stands_once_stands_once(ledger: Ledger, table: sa.Table, row: dict[str, Any]) -> None:
    with ledger.transaction() as tx:
        tx.execute(sa.insert(table).values(row))
    with pytest.raises(RefusalError, match=r"(?i)unique"), ledger.transaction() as tx:
        tx.execute(sa.insert(table).values(row))


def test_new_work_is_parked_and_a_new_report_queued(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.execute(sa.insert(dead_letters).values(LETTER))
        tx.execute(sa.insert(user_reports).values(REPORT))
        assert tx.execute(sa.select(dead_letters.c.status)).scalar_one() == "parked"
        assert tx.execute(sa.select(user_reports.c.status)).scalar_one() == "queued"


@pytest.mark.parametrize(
    ("table", "row"),
    [(api_tokens, TOKEN), (dead_letters, LETTER), (schedule_runs, RUN), (corpus_documents, TEXT),
     (user_reports, REPORT), (worker_heartbeats, {"executor_id": "one", "beat_at": START})],
)  # fmt: skip
def test_a_step_back_that_would_lose_what_the_service_knows_is_refused(
    ledger: Ledger, table: sa.Table, row: dict[str, Any]
) -> None:
    with ledger.transaction() as tx:
        tx.execute(sa.insert(table).values(row))
    with pytest.raises(RefusalError, match=f"`{table.name}` holds rows"), ledger.transaction() as tx:
        step_back(tx, "r0002")
    with ledger.reading() as tx:
        assert is_current(tx)
        assert tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 1
