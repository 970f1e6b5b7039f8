"""The log of a replay: rows in one fixed order, each sealed with the hash of all before it.

The order is (virtual time, learner, policy, ticker, kind). `row_hash` is the SHA-256 of the hash before it and of the
row's canonical JSON, so the last one, the `ledger_hash`, says whether two replays did the same to the byte. Wall-clock
times stand beside the rows, in no hash.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import CorruptArtifactError, InputError, NotFoundError, RefusalError
from pawl.ledger.column_types import canonical_json, utc_text
from pawl.ledger.decision_tables import replay_log, replays
from pawl.ledger.identity import identity

__all__ = [
    "GENESIS",
    "LoggedDecision",
    "ReplayRow",
    "ReplayState",
    "RowKey",
    "append_rows",
    "find_decision",
    "finish_replay",
    "last_time",
    "ledger_hash",
    "newest_trace",
    "open_replay",
    "read_rows",
    "replay_states",
]

GENESIS = "0" * 64
"""What stands before the first row."""

ROWS_AT_ONCE = 5_000


class RowKey(NamedTuple):
    """What tells a row from the others of its replay, and the order of the chain. virtual_time: as `utc_text`."""

    virtual_time: str
    learner: str
    policy: str
    ticker: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRow:
    """One thing that happened at a virtual time. ticker: empty for what concerns a learner as a whole.

    payload: finite numbers, text, lists and maps; not what the wall clock said.
    """

    virtual_time: datetime
    learner: str
    policy: str
    ticker: str
    kind: str
    payload: Mapping[str, Any]

    @property
    def key(self) -> RowKey:
        """Its place in the order."""
        return RowKey(utc_text(self.virtual_time), self.learner, self.policy, self.ticker, self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedDecision:
    """A decision as it stands in the log. payload: its very bytes. decided_on: the tickers that its model was asked."""

    at: datetime
    ticker: str
    policy: str
    payload: str
    decided_on: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayState:
    """A replay on record. start, end: ISO 8601. ledger_hash: None while it is not finished."""

    learner: str
    start: str
    end: str
    ledger_hash: str | None


class _Written(NamedTuple):
    """A row as text: what is compared, sealed and stored."""

    key: RowKey
    payload: str
    virtual_time: datetime


def open_replay(tx: sa.Connection, inputs: Mapping[str, Any], now: datetime) -> UUID:
    """The unfinished replay of these inputs, to be resumed, or a new one.

    inputs: everything the replay follows from (range, tickers, seed, settings, hash of the bars, code version).
    """
    inputs_hash = hashlib.sha256(canonical_json(dict(inputs)).encode()).hexdigest()
    c = replays.c
    newest_first = sa.select(replays).where(c.inputs_hash == inputs_hash).order_by(c.attempt.desc()).limit(1)
    newest = tx.execute(newest_first).one_or_none()
    if newest is not None and newest.finished_at is None:
        return UUID(str(newest.replay_id))
    attempt = 1 if newest is None else newest.attempt + 1
    replay_id = identity("replay", inputs_hash, attempt)
    row = {"replay_id": replay_id, "inputs_hash": inputs_hash, "attempt": attempt, "inputs": dict(inputs)}
    tx.execute(sa.insert(replays).values(**row, started_at=now))
    return replay_id


def append_rows(tx: sa.Connection, replay_id: UUID, rows: Sequence[ReplayRow], now: datetime) -> int:
    """Put rows, in any order, behind those that stand; gives how many were new.

    Rows up to the last one that stands must be the ones that stand there, to the byte: a resumed replay may say again
    what it has said, and nothing else (RefusalError). now: wall-clock, kept beside the rows.
    """
    written = sorted(_Written(row.key, canonical_json(dict(row.payload)), row.virtual_time) for row in rows)
    for one, other in pairwise(written):
        if one.key == other.key:
            raise InputError(f"two rows are {_named(one.key)}", where="replay_log", fix="hand in each row once")
    last = _last_row(tx, replay_id)
    repeated = [one for one in written if last is not None and one.key <= _key(last)]
    _require_same(tx, replay_id, repeated)
    number, previous = (0, GENESIS) if last is None else (last.row_number, last.row_hash)
    values = []
    for one in written[len(repeated) :]:
        number, previous = number + 1, _seal(previous, one.key, one.payload)
        values.append(
            {
                **one.key._asdict(),
                "virtual_time": one.virtual_time,
                "payload": one.payload,
                "replay_id": replay_id,
                "row_number": number,
                "row_hash": previous,
                "recorded_at": now,
            }
        )
    if values:
        tx.execute(sa.insert(replay_log), values)
    return len(values)


def last_time(tx: sa.Connection, replay_id: UUID) -> datetime | None:
    """The virtual time of the last row that stands, where a resumed replay goes on; None before the first."""
    last = _last_row(tx, replay_id)
    return None if last is None else last.virtual_time


def read_rows(tx: sa.Connection, replay_id: UUID) -> Iterator[sa.Row[Any]]:
    """Every row in order, a few thousand in memory at a time; CorruptArtifactError where the chain does not hold."""
    previous = GENESIS
    c = replay_log.c
    chosen = sa.select(replay_log).where(c.replay_id == replay_id).order_by(c.row_number)
    # Closed even where the reader stops early: on PostgreSQL it is a cursor of the server.
    with tx.execute(chosen.execution_options(yield_per=ROWS_AT_ONCE)) as rows:
        for number, row in enumerate(rows, start=1):
            previous = _seal(previous, _key(row), row.payload)
            if row.row_hash != previous or row.row_number != number:
                raise CorruptArtifactError(
                    f"row {number} of replay {replay_id} is not what was written",
                    where="replay_log",
                    fix="restore the ledger from a backup, or run the replay again",
                )
            yield row


def find_decision(tx: sa.Connection, trace_id: str) -> LoggedDecision | None:
    """The decision of a trace in any replay of this ledger; None when there is none."""
    c = replay_log.c
    # The payload is canonical JSON, so the pair stands in it in exactly one way. A scan: nobody asks twice a second.
    pair = canonical_json({"trace_id": trace_id})[1:-1]
    decisions = sa.select(replay_log).where(c.kind == "decision", c.payload.contains(pair, autoescape=True)).limit(1)
    row = tx.execute(decisions).one_or_none()
    if row is None:
        return None
    trainings = (
        sa.select(c.payload)
        .where(c.replay_id == row.replay_id, c.kind == "training", c.virtual_time < row.virtual_time)
        .order_by(c.row_number.desc())
        .limit(1)
    )
    training = json.loads(tx.execute(trainings).scalar_one())
    return LoggedDecision(
        at=row.virtual_time,
        ticker=row.ticker,
        policy=row.policy,
        payload=row.payload,
        decided_on=tuple(training["decides_on"]),
    )


def replay_states(tx: sa.Connection) -> list[ReplayState]:
    """The replays of this ledger, in the order they were begun."""
    rows = tx.execute(sa.select(replays).order_by(replays.c.started_at))
    return [
        ReplayState(
            learner=row.inputs.get("learner", ""),
            start=row.inputs.get("from", ""),
            end=row.inputs.get("to", ""),
            ledger_hash=row.ledger_hash,
        )
        for row in rows
    ]


def newest_trace(tx: sa.Connection, replay_id: UUID) -> str | None:
    """The trace of the newest decision that took a position, or else of the newest; None in an empty log."""
    c = replay_log.c
    decisions = sa.select(c.payload).where(c.replay_id == replay_id, c.kind == "decision").order_by(c.row_number.desc())
    is_flat = c.payload.contains(canonical_json({"action": "flat"})[1:-1], autoescape=True)
    payload = tx.execute(decisions.where(~is_flat).limit(1)).scalar_one_or_none()
    if payload is None:
        payload = tx.execute(decisions.limit(1)).scalar_one_or_none()
    return None if payload is None else str(json.loads(payload)["trace_id"])


def ledger_hash(tx: sa.Connection, replay_id: UUID) -> str:
    """The hash over every row, recomputed; equal for two replays exactly where all their rows are.

    GENESIS for a replay without rows; CorruptArtifactError where the chain does not hold.
    """
    found = GENESIS
    for row in read_rows(tx, replay_id):
        found = row.row_hash
    return found


def finish_replay(tx: sa.Connection, replay_id: UUID, now: datetime) -> str:
    """Close a replay with its `ledger_hash`; NotFoundError when there is none that is unfinished."""
    found = ledger_hash(tx, replay_id)
    c = replays.c
    closed = sa.update(replays).where(c.replay_id == replay_id, c.finished_at.is_(None))
    if tx.execute(closed.values(finished_at=now, ledger_hash=found)).rowcount != 1:
        raise NotFoundError(f"no unfinished replay {replay_id}", where="replays", fix="open it first")
    return found


def _seal(previous: str, key: RowKey, payload: str) -> str:
    # The key as a JSON list, then the payload: no two rows give the same text.
    content = f"{previous}{canonical_json(key)}{payload}"
    return hashlib.sha256(content.encode()).hexdigest()


def _last_row(tx: sa.Connection, replay_id: UUID) -> sa.Row[Any] | None:
    c = replay_log.c
    return tx.execute(
        sa.select(replay_log).where(c.replay_id == replay_id).order_by(c.row_number.desc()).limit(1)
    ).one_or_none()


def _require_same(tx: sa.Connection, replay_id: UUID, repeated: Sequence[_Written]) -> None:
    if not repeated:
        return
    c = replay_log.c
    between = c.virtual_time.between(repeated[0].virtual_time, repeated[-1].virtual_time)
    chosen = sa.select(replay_log).where(c.replay_id == replay_id, between)
    standing = {_key(row): row.payload for row in tx.execute(chosen)}
    for one in repeated:
        if standing.get(one.key) != one.payload:
            raise RefusalError(
                f"the replay says something else than before of {_named(one.key)}",
                where="replay_log",
                fix="start it anew with other inputs, or find what is not deterministic",
            )


def _key(row: sa.Row[Any]) -> RowKey:
    return RowKey(utc_text(row.virtual_time), row.learner, row.policy, row.ticker, row.kind)


def _named(key: RowKey) -> str:
    return f"{key.kind} of {key.ticker or key.learner} ({key.policy}) at {key.virtual_time}"
