"""Everything the ledger holds of one decision chain, found by its trace, and whether its rows still hang together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import NotFoundError
from pawl.ledger.chain import CHAINS, genesis, row_digest, seal
from pawl.ledger.chain_tables import chain_heads
from pawl.ledger.decision_tables import decision_trajectories, inference_logs
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.trade_tables import pnl_entries
from pawl.ledger.training_tables import dataset_versions, train_jobs
from pawl.ledger.version_tables import model_versions

__all__ = ["DecisionRecord", "Descendants", "broken_rows", "candidate_datasets", "decision_record", "descendants"]

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """Rows of one trace, columns by name. events, outcomes: oldest first. inference: that the decision rests on."""

    events: tuple[Row, ...]
    outcomes: tuple[Row, ...]
    trajectory: Row | None
    inference: Row | None

    @property
    def chained(self) -> tuple[tuple[str, Row], ...]:
        """Table and row of each that is chained."""
        rows = [(event_outbox.name, row) for row in self.events]
        rows += [(pnl_entries.name, row) for row in self.outcomes]
        for table, row in ((inference_logs.name, self.inference), (decision_trajectories.name, self.trajectory)):
            if row is not None:
                rows.append((table, row))
        return tuple(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Descendants:
    """What came of dataset versions: the jobs that read one, and the model versions that came of those."""

    train_job_ids: tuple[UUID, ...]
    model_versions: tuple[str, ...]


def decision_record(tx: sa.Connection, trace_id: str) -> DecisionRecord:
    """All of it, each by an index. NotFoundError where the trace has no event here."""
    e, t, p, i = event_outbox.c, decision_trajectories.c, pnl_entries.c, inference_logs.c
    events = _rows(tx, sa.select(event_outbox).where(e.trace_id == trace_id).order_by(e.recorded_at, e.event_id))
    if not events:
        raise NotFoundError(
            f"no decision has the trace `{trace_id}`",
            where="ledger",
            fix="take a trace_id from an answer of the service, or from a replay's log",
        )
    outcomes = _rows(tx, sa.select(pnl_entries).where(p.trace_id == trace_id).order_by(p.created_at, p.entry_id))
    trajectories = _rows(tx, sa.select(decision_trajectories).where(t.trace_id == trace_id))
    named = next((row["inference_id"] for row in events if row["inference_id"] is not None), None)
    inferences = [] if named is None else _rows(tx, sa.select(inference_logs).where(i.inference_id == named))
    return DecisionRecord(
        events=events,
        outcomes=outcomes,
        trajectory=trajectories[0] if trajectories else None,
        inference=inferences[0] if inferences else None,
    )


def broken_rows(tx: sa.Connection, record: DecisionRecord) -> tuple[str, ...]:
    """Which chained rows are not what was sealed, or no longer hang on their chain: `table key: what is wrong`.

    Each row is checked by itself and against its place: the one behind it, or the head. `pawl ledger verify` walks the
    whole chain.
    """
    found = []
    for table, rows in groupby(record.chained, key=itemgetter(0)):
        of_table = [row for _, row in rows]
        behind = _hashes_behind(tx, table, of_table)
        for row in of_table:
            wrong = _own_fault(table, row) or _fault_behind(tx, table, row, behind)
            if wrong is not None:
                found.append(f"{table} {row[CHAINS[table].key]}: {wrong}")
    return tuple(found)


def candidate_datasets(tx: sa.Connection, decided_at: datetime) -> tuple[Row, ...]:
    """The dataset versions whose window holds a decision taken then, oldest first."""
    c = dataset_versions.c
    holds = (c.window_start <= decided_at) & (c.window_end >= decided_at) & (c.dataset_type != "supervised")
    columns = (c.dataset_version_id, c.dataset_type, c.created_at)
    return _rows(tx, sa.select(*columns).where(holds).order_by(c.created_at, c.dataset_version_id))


def descendants(tx: sa.Connection, dataset_version_ids: Sequence[UUID]) -> Descendants:
    """The jobs that read any of these versions, oldest first, and the model versions that came of them."""
    if not dataset_version_ids:
        return Descendants(train_job_ids=(), model_versions=())
    j, v = train_jobs.c, model_versions.c
    read = tx.execute(sa.select(j.train_job_id, j.dataset_version_ids).order_by(j.started_at, j.train_job_id))
    wanted = set(dataset_version_ids)
    jobs = tuple(row.train_job_id for row in read if wanted & set(row.dataset_version_ids))
    versions = tx.execute(sa.select(v.version).where(v.training_log_id.in_(jobs)).order_by(v.version)).scalars()
    return Descendants(train_job_ids=jobs, model_versions=tuple(versions))


def _hashes_behind(tx: sa.Connection, table: str, rows: Sequence[Row]) -> dict[tuple[str, int], str | None]:
    """Month and number of a row → what the row at the next number names as the one before it."""
    c = CHAINS[table].table.c
    numbers: dict[str, list[int]] = {}
    for row in rows:
        if row["chain_number"] is not None:
            numbers.setdefault(row["chain_month"], []).append(row["chain_number"] + 1)
    # Month by month: SQLite finds no index for pairs.
    places = [(c.chain_month == month) & c.chain_number.in_(of_month) for month, of_month in numbers.items()]
    found = tx.execute(sa.select(c.chain_month, c.chain_number, c.prev_hash).where(sa.or_(sa.false(), *places)))
    return {(row.chain_month, row.chain_number - 1): row.prev_hash for row in found}


def _own_fault(table: str, row: Row) -> str | None:
    if row["row_hash"] is None or row["prev_hash"] is None:
        return "it was never sealed"
    if seal(row["prev_hash"], row_digest(CHAINS[table], row)) != row["row_hash"]:
        return "it was changed after it was sealed"
    if row["chain_number"] == 1 and row["prev_hash"] != genesis(table, row["chain_month"]):
        return "it does not begin its month"
    return None


def _fault_behind(
    tx: sa.Connection, table: str, row: Row, named_behind: dict[tuple[str, int], str | None]
) -> str | None:
    place = (row["chain_month"], row["chain_number"])
    if place in named_behind:
        return None if named_behind[place] == row["row_hash"] else "the row behind it follows another"
    heads = chain_heads.c
    of_month = (heads.table_name == table) & (heads.chain_month == row["chain_month"])
    is_last = sa.select(heads.n_rows).where(of_month, heads.head_hash == row["row_hash"])
    return "the row behind it is gone" if tx.execute(is_last).scalar_one_or_none() is None else None


def _rows(tx: sa.Connection, query: sa.Select[Any]) -> tuple[Row, ...]:
    return tuple(dict(row) for row in tx.execute(query).mappings())
