"""Hash chains: every row of a chained table carries the hash of the one before it in its UTC month.

`row_hash` = SHA-256(prev_hash + digest), digest = SHA-256 of the canonical JSON of the row's chained columns. The first
row of a month follows `genesis`. A writer locks the head of the month, so there is one order; the database takes
a row only behind the one whose hash it names, so that it stays one whatever a writer forgets.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from json.encoder import encode_basestring
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.ledger.column_types import JsonText, canonical_json, utc_text
from pawl.ledger.decision_tables import decision_trajectories, inference_logs
from pawl.ledger.driver_sql import insert_rows, run_text
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.identity import id_text
from pawl.ledger.number_types import Real
from pawl.ledger.trade_tables import pnl_entries
from pawl.ledger.training_tables import eval_reports

__all__ = [
    "CHAINS",
    "Chain",
    "Head",
    "append_behind",
    "append_chained",
    "canonical_text",
    "genesis",
    "lock_head",
    "month_of",
    "move_head",
    "row_digest",
    "row_text",
    "seal",
    "sealed_rows",
]

FIND = {
    "sqlite": "SELECT n_rows, head_hash FROM chain_heads WHERE table_name = ? AND chain_month = ?",
    "postgresql": "SELECT n_rows, head_hash FROM chain_heads WHERE table_name = ? AND chain_month = ? FOR UPDATE",
}
BEGIN = (
    "INSERT INTO chain_heads (table_name, chain_month, n_rows, head_hash) VALUES (?, ?, 0, ?) ON CONFLICT DO NOTHING"
)
MOVE = "UPDATE chain_heads SET n_rows = ?, head_hash = ? WHERE table_name = ? AND chain_month = ?"
MOVING_PART = ("decision_features", "action")
NEGATIVE_ZERO = re.compile(r"-0\.0(?![0-9e])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chained table. dated_by: the column whose UTC month a row belongs to. columns: those the hash is over,
    in their alphabetical order.
    """

    table: sa.Table
    dated_by: str
    columns: tuple[str, ...]

    @property
    def key(self) -> str:
        """The column that names a row."""
        return str(next(iter(self.table.primary_key)).name)


def _chain(table: sa.Table, dated_by: str, columns: str) -> Chain:
    return Chain(table=table, dated_by=dated_by, columns=tuple(sorted(columns.split())))


CHAINS: dict[str, Chain] = {
    one.table.name: one
    for one in (
        _chain(
            event_outbox,
            "recorded_at",
            "event_id user_id trace_id inference_id source_table source_event_id event_type payload occurred_at "
            "recorded_at",
        ),
        _chain(
            inference_logs,
            "created_at",
            "inference_id user_id trace_id model_name model_version model_role prompt_hash prompt_payload "
            "response_payload latency_ms created_at learner",
        ),
        _chain(
            decision_trajectories,
            "created_at",
            "trajectory_id user_id trace_id source_event_id inference_id context_features decision_features created_at "
            "learner",
        ),
        _chain(
            pnl_entries,
            "created_at",
            "entry_id user_id trace_id trade_id is_final pnl pnl_bps max_drawdown_bps hold_sec slippage_bps "
            "occurred_at created_at",
        ),
        _chain(
            eval_reports,
            "created_at",
            "eval_id train_job_id model_version eval_scope metrics gate_result created_at learner model_role "
            "baseline_version report_number",
        ),
    )
}
"""By the name of the table. What moves on (delivery of an event, outcome of a trajectory, `action` in its decision) is
in no hash: it follows from events, which are."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends. number: rows so far. hash: of the last one, or `genesis`."""

    number: int
    hash: str


def genesis(table: str, month: str) -> str:
    """What the first row of a month follows.

    >>> genesis("pnl_entries", "2024-01") == genesis("pnl_entries", "2024-02")
    False
    """
    return hashlib.sha256(f"{table}/{month}".encode()).hexdigest()


def month_of(when: datetime) -> str:
    """The UTC month of an instant, YYYY-MM.

    >>> month_of(datetime.fromisoformat("2024-01-31T23:30:00-02:00"))
    '2024-02'
    """
    return utc_text(when)[:7]


def row_digest(chain: Chain, row: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of a row's chained columns; the same on both databases and before it is written."""
    column, part = MOVING_PART
    if column in chain.columns:
        row = {**row, column: {key: value for key, value in row[column].items() if key != part}}
    return hashlib.sha256(row_text(chain.table, chain.columns, row).encode()).hexdigest()


def row_text(table: sa.Table, columns: tuple[str, ...], row: Mapping[str, Any]) -> str:
    """Columns of a row as one canonical JSON object: times and ids as text, figures as floats.

    columns: in their alphabetical order.
    """
    parts = [
        f"{named}{TEXT_OF.get(type(row[name]), other)(row[name])}" for name, named, other in _named(table, columns)
    ]
    return f"{{{','.join(parts)}}}"


def canonical_text(content: Any) -> JsonText:  # noqa: ANN401 - any JSON value
    """The canonical JSON of a value, in which -0.0, which jsonb gives back as 0.0, is 0.0.

    >>> canonical_text([-0.0, "-0.0", -0.01])
    '[0.0,"-0.0",-0.01]'
    """
    text = canonical_json(content)
    has_one = "-0.0" in text and NEGATIVE_ZERO.search(text)
    return JsonText(canonical_json(_without_negative_zero(content)) if has_one else text)


def seal(prev_hash: str, digest: str) -> str:
    """The hash of a row from that of the one before and its own digest."""
    return hashlib.sha256(f"{prev_hash}{digest}".encode("ascii")).hexdigest()


def lock_head(tx: sa.Connection, table: str, month: str) -> Head:
    """The end of a chain, which no other writer moves until this transaction ends."""
    row = run_text(tx, FIND[tx.dialect.name], (table, month)).fetchone()
    if row is None:
        run_text(tx, BEGIN, (table, month, genesis(table, month)))
        row = run_text(tx, FIND[tx.dialect.name], (table, month)).fetchone()
        assert row is not None
    n_rows, head_hash = row
    return Head(n_rows, head_hash)


def append_chained(tx: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows behind those of their months, in the order given.

    rows: every chained column by name, and what else the table needs; all with the same columns.
    """
    chain = CHAINS[table.name]
    dated = sorted(rows, key=lambda row: month_of(row[chain.dated_by]))
    for month, of_month in groupby(dated, key=lambda row: month_of(row[chain.dated_by])):
        append_behind(tx, chain, month, lock_head(tx, table.name, month), list(of_month))


def append_behind(tx: sa.Connection, chain: Chain, month: str, head: Head, rows: Sequence[Mapping[str, Any]]) -> Head:
    """Insert rows of one month behind its head, which this transaction has locked; where the chain ends then."""
    sealed, head = sealed_rows(chain, month, head, rows)
    insert_rows(tx, chain.table, sealed)
    move_head(tx, chain.table.name, month, head)
    return head


def sealed_rows(
    chain: Chain, month: str, head: Head, rows: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], Head]:
    """The rows of one month with their chain columns, and where the chain ends behind them."""
    number, previous, sealed = head.number, head.hash, []
    for row in rows:
        number, own = number + 1, seal(previous, row_digest(chain, row))
        sealed.append({**row, "chain_month": month, "chain_number": number, "prev_hash": previous, "row_hash": own})
        previous = own
    return sealed, Head(number, previous)


def move_head(tx: sa.Connection, table: str, month: str, head: Head) -> None:
    """Say where a chain ends, in the transaction that locked its head."""
    run_text(tx, MOVE, (head.number, head.hash, table, month))


TEXT_OF: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "null",
    JsonText: str,
    str: encode_basestring,
    UUID: lambda value: f'"{id_text(value)}"',
    datetime: lambda value: f'"{utc_text(value)}"',
}
"""How a value stands in the text of a row, by its type; all others by their column."""


@lru_cache(maxsize=64)
def _named(table: sa.Table, columns: tuple[str, ...]) -> list[tuple[str, str, Callable[[Any], str]]]:
    # Each column, how its part of the text begins, and what writes a value of none of the types above.
    return [(name, f'"{name}":', _figure if isinstance(table.c[name].type, Real) else _other) for name in columns]


def _figure(value: float) -> str:
    return canonical_text(float(value))


def _other(value: object) -> str:
    return f'"{utc_text(value)}"' if isinstance(value, datetime) else canonical_text(value)


def _without_negative_zero(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, float):
        return value + 0.0
    if isinstance(value, Mapping):
        return {key: _without_negative_zero(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_negative_zero(item) for item in value]
    return value
