"""What the ledger holds of one trace is found by indexes, however much it holds; on both databases."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from decision_events import START, chain, inference, record
from effort import plan_of, statements
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.trajectories import fold_events
from pawl.errors import NotFoundError
from pawl.ledger.database import Ledger
from pawl.ledger.decision_record import broken_rows, candidate_datasets, decision_record, descendants
from pawl.ledger.identity import identity

N_CHAINS = 400


def filled(ledger: Ledger, n_chains: int) -> list[str]:
    traces = []
    for first in range(0, n_chains, 2_000):
        rows = [
            [
                {**row, "inference_id": identity("inference", key)}
                for row in chain(str(key), START + timedelta(minutes=key))
            ]
            for key in range(first, min(first + 2_000, n_chains))
        ]
        with ledger.transaction() as tx:
            ids = record(tx, [row for each in rows for row in each])
            fold_events(tx, ids, PassportSettings(), START)
        traces += [each[0]["trace_id"] for each in rows]
    return traces


def looked_up(ledger: Ledger, trace: str) -> None:
    with ledger.reading() as tx:
        found = decision_record(tx, trace)
        assert broken_rows(tx, found) == ()
        datasets = candidate_datasets(tx, found.events[0]["occurred_at"])
        descendants(tx, [row["dataset_version_id"] for row in datasets])
    assert (len(found.events), len(found.chained)) == (3, 5)


LARGE = ("passport_event_outbox", "pnl_entries", "decision_trajectories", "model_inference_logs")


def plans(ledger: Ledger, trace: str) -> list[str]:
    """How the database goes about each statement of a lookup, a line a step."""
    with statements(ledger) as asked:
        looked_up(ledger, trace)
    selects = [one for one in asked if one[0].lstrip().startswith("SELECT")]
    with ledger.reading() as tx:
        return [step for one in selects for step in plan_of(tx, *one)]


def read_whole(ledger: Ledger, trace: str) -> list[str]:
    """The steps of a lookup that read a large table from its first row to its last."""
    found = plans(ledger, trace)
    assert any("ix_passport_event_outbox_trace_id" in step for step in found)
    return [step for step in found if re.search(rf"(SCAN|Seq Scan on) ({'|'.join(LARGE)})\b", step)]


def test_all_of_a_trace_is_found(ledger: Ledger) -> None:
    traces = filled(ledger, 3)
    with ledger.reading() as tx:
        found = decision_record(tx, traces[1])
    assert {row["trace_id"] for row in found.events} == {traces[1]}
    assert found.trajectory is not None
    assert found.inference is not None
    assert found.inference["inference_id"] == identity("inference", 1) == found.events[0]["inference_id"]
    assert inference(dict(found.events[0])).trace_id == traces[1]
    with ledger.reading() as tx, pytest.raises(NotFoundError):
        decision_record(tx, "u/nothing")


def test_a_lookup_reads_no_table_whole(ledger: Ledger) -> None:
    assert read_whole(ledger, filled(ledger, N_CHAINS)[7]) == []


FILLERS = {
    "sqlite": ("lower(hex(randomblob(16)))", "printf('%064d', {})", "n", "'2024-02-01T00:00:00.000000Z'"),
    "postgresql": ("gen_random_uuid()", "lpad(CAST({} AS text), 64, '0')", "n", "'2024-02-01T00:00:00Z'"),
}
EVENT = "event_id, user_id, trace_id, source_table, source_event_id, event_type, payload, occurred_at, recorded_at"
SERIES = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :n)"


def padded(ledger: Ledger, n_rows: int) -> None:
    """So many events of other traces, written past every check: they are in the way and nothing else."""
    key, digest, number, at = FILLERS[ledger.engine.dialect.name]
    values = f"{key}, {key}, 'u/filler ' || n, 'quick_trades', {key}, 'trade.opened', '{{}}', {at}, {at}"
    chained = f"'2024-02', {number}, {digest.format(f'{number} - 1')}, {digest.format(number)}"
    text = (
        f"{SERIES} INSERT INTO passport_event_outbox ({EVENT}, chain_month, chain_number, prev_hash, row_hash) "
        f"SELECT {values}, {chained} FROM s"
    )
    if ledger.engine.dialect.name == "sqlite":  # whose INSERT stands before the WITH
        text = text.replace(f"{SERIES} ", "").replace(" SELECT", f" {SERIES} SELECT", 1)
    with ledger.transaction() as tx:
        tx.execute(sa.text(text), {"n": n_rows})
        assert tx.execute(sa.text("SELECT count(*) FROM passport_event_outbox")).scalar_one() >= n_rows


@pytest.mark.soak
def test_a_lookup_in_a_ledger_of_a_million_events_reads_no_table_whole(ledger: Ledger) -> None:
    traces = filled(ledger, 200)
    padded(ledger, 1_000_000)
    assert read_whole(ledger, traces[7]) == []


def test_the_rows_in_the_way_are_written(ledger: Ledger) -> None:
    padded(ledger, 1_000)
    looked_up(ledger, filled(ledger, 1)[0])
