"""Folds the events of the outbox into trajectories: the same rows whatever the order, however often."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa

from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.trajectory import (
    FACTS,
    DecisionChain,
    DecisionEvent,
    Scored,
    chains_of,
    context_part,
    decision_part,
    score,
)
from pawl.errors import InputError, PawlError
from pawl.ledger.chain import lock_head, month_of
from pawl.ledger.decision_tables import decision_trajectories, inference_logs
from pawl.ledger.event_payloads import (
    SignalTracked,
    TradeAction,
    TradeClosed,
    TradeOpened,
    read_payload,
)
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.identity import identity
from pawl.ledger.inferences import Trajectory, append_trajectories

__all__ = ["NO_LEARNER", "Folded", "fold_events", "pending_events"]

Key = TypeVar("Key", UUID, str)

KEYS_AT_ONCE = 500

NO_LEARNER = "policy"
"""The learner of a decision that rests on no inference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What became of a batch of events.

    processed: now told, or told before. waiting: the decision they belong to, its action or its inference has not
    arrived; they stay pending. failed: event → why it cannot be read or judged; they stay pending too.
    """

    processed: tuple[UUID, ...]
    waiting: tuple[UUID, ...]
    failed: Mapping[UUID, PawlError]
    n_new: int
    n_updated: int


def pending_events(tx: sa.Connection, now: datetime, limit: int) -> list[UUID]:
    """The oldest events that wait to be folded and are due for an attempt, at most `limit`, the oldest first."""
    c = event_outbox.c
    is_due = c.next_attempt_at.is_(None) | (c.next_attempt_at <= now)
    waiting = sa.select(c.event_id).where(c.processed_at.is_(None), is_due)
    return list(tx.execute(waiting.order_by(c.recorded_at, c.event_id).limit(limit)).scalars())


def fold_events(tx: sa.Connection, event_ids: Sequence[UUID], settings: PassportSettings, now: datetime) -> Folded:
    """Bring the trajectories of the decisions that these events belong to up to date, and mark what was told.

    Every event of those decisions is read, not the batch alone: so the rows do not hang on how events were batched. A
    row only ever learns more: an action is added, an outcome is added, and a label that a dataset has made ambiguous
    since stays so.
    """
    rows = _events_of_chains(tx, event_ids)
    wanted = set(event_ids)
    events, failed = _read(rows, wanted)
    chains = chains_of(events.values())
    ready, absent = _with_inferences(tx, chains)
    finals = {key: chain for key, chain in ready.items() if chain.is_final}
    scored = dict(zip(finals, score(list(finals.values()), settings), strict=True)) if finals else {}
    for key, found in scored.items():
        closed = finals[key].closed
        if isinstance(found, InputError) and closed is not None and closed.event_id in wanted:
            failed[closed.event_id] = found
    outcomes = {key: found for key, found in scored.items() if isinstance(found, Scored)}
    n_new, n_updated = _upsert(tx, ready, outcomes, absent)
    waiting = [name for name in event_ids if name in events and name not in failed and _is_early(events[name], ready)]
    processed = [name for name in event_ids if name in events and name not in failed and name not in set(waiting)]
    _mark(tx, processed, now)
    return Folded(processed=tuple(processed), waiting=tuple(waiting), failed=failed, n_new=n_new, n_updated=n_updated)


def _events_of_chains(tx: sa.Connection, event_ids: Sequence[UUID]) -> list[sa.Row[Any]]:
    """All events of the traces of these events, each once."""
    c = event_outbox.c
    columns = (
        c.event_id, c.user_id, c.trace_id, c.inference_id, c.source_event_id, c.event_type, c.payload, c.recorded_at,
    )  # fmt: skip
    traces: set[str] = set()
    for keys in _chunks(event_ids):
        traces.update(tx.execute(sa.select(c.trace_id).where(c.event_id.in_(keys))).scalars())
    rows: list[sa.Row[Any]] = []
    for names in _chunks(sorted(traces)):
        rows.extend(tx.execute(sa.select(*columns).where(c.trace_id.in_(names))))
    return rows


def _read(rows: Iterable[sa.Row[Any]], wanted: set[UUID]) -> tuple[dict[UUID, DecisionEvent], dict[UUID, PawlError]]:
    """The events that can be read, and why those of the batch that cannot, cannot."""
    events: dict[UUID, DecisionEvent] = {}
    failed: dict[UUID, PawlError] = {}
    for row in rows:
        try:
            payload = read_payload(row.event_type, row.payload)
            event = DecisionEvent(
                event_id=row.event_id,
                user_id=row.user_id,
                trace_id=row.trace_id,
                inference_id=row.inference_id,
                source_event_id=row.source_event_id,
                recorded_at=row.recorded_at,
                payload=payload,
            )
            _require_sound(event)
        except InputError as error:
            if row.event_id in wanted:
                failed[row.event_id] = error
            continue
        events[row.event_id] = event
    return events, failed


def _require_sound(event: DecisionEvent) -> None:
    """InputError for a time without a zone."""
    payload = event.payload
    instants: list[datetime | None] = []
    if isinstance(payload, SignalTracked):
        instants.append(payload.decided_at)
    if isinstance(payload, SignalTracked | TradeOpened):
        instants.append(payload.context.known_at)
    if isinstance(payload, TradeAction):
        instants.append(payload.opened_at)
    if any(instant is not None and instant.tzinfo is None for instant in instants):
        raise InputError("a time carries no zone", where="event", fix="mend whatever wrote it")


def _with_inferences(
    tx: sa.Connection, chains: Mapping[UUID, DecisionChain]
) -> tuple[dict[UUID, DecisionChain], dict[UUID, str]]:
    """The chains whose inference, if any, is on record; and the learner of each inference."""
    c = inference_logs.c
    named = sorted({chain.decided.inference_id for chain in chains.values() if chain.decided.inference_id is not None})
    learners: dict[UUID, str] = {}
    for keys in _chunks(named):
        found = sa.select(c.inference_id, c.learner).where(c.inference_id.in_(keys))
        learners.update((row.inference_id, row.learner) for row in tx.execute(found))
    on_record = {
        key: chain
        for key, chain in chains.items()
        if chain.decided.inference_id is None or chain.decided.inference_id in learners
    }
    return on_record, learners


def _is_early(event: DecisionEvent, chains: Mapping[UUID, DecisionChain]) -> bool:
    """Whether an event must wait: for its decision, or for the action that its outcome came of."""
    chain = chains.get(event.decision_id)
    if chain is None or (chain.decided.user_id, chain.decided.trace_id) != (event.user_id, event.trace_id):
        return True
    return isinstance(event.payload, TradeClosed) and chain.acted is None


def _upsert(
    tx: sa.Connection,
    chains: Mapping[UUID, DecisionChain],
    outcomes: Mapping[UUID, Scored],
    learners: Mapping[UUID, str],
) -> tuple[int, int]:
    """Write the rows that are missing and add to the others what they do not hold; how many of each."""
    told = {key: _trajectory(chain, outcomes.get(key), learners) for key, chain in chains.items()}
    known = _known(tx, told)
    # Whoever tells the same decisions at this moment waits here, so that what is missing now stays missing until it is
    # written, and what stands is as it will be.
    months = {month_of(row.created_at) for key, row in told.items() if key not in known}
    for month in sorted(months):
        lock_head(tx, decision_trajectories.name, month)
    standing = _standing(tx, told)
    missing = [row for key, row in told.items() if key not in standing]
    # In the order of their decisions, so that one batch is chained the same way wherever it is folded.
    append_trajectories(tx, sorted(missing, key=lambda row: (row.created_at, row.source_event_id)))
    changed = {key: changes for key, row in standing.items() if (changes := _changes(row, told[key]))}
    _update(tx, changed)
    return len(missing), len(changed)


def _trajectory(chain: DecisionChain, outcome: Scored | None, learners: Mapping[UUID, str]) -> Trajectory:
    decided = chain.decided
    return Trajectory(
        trajectory_id=identity("trajectory", decided.source_event_id),
        user_id=decided.user_id,
        trace_id=decided.trace_id,
        source_event_id=decided.source_event_id,
        inference_id=decided.inference_id,
        learner=NO_LEARNER if decided.inference_id is None else learners[decided.inference_id],
        context_features=context_part(chain),
        decision_features=decision_part(chain),
        created_at=decided.recorded_at,
        outcome_features=outcome.outcome_features if outcome else None,
        utility_score=outcome.utility_score if outcome else None,
        label_quality=outcome.label_quality if outcome else "pending",
    )


def _known(tx: sa.Connection, told: Iterable[UUID]) -> set[UUID]:
    c = decision_trajectories.c
    known: set[UUID] = set()
    for keys in _chunks(sorted(told)):
        known.update(tx.execute(sa.select(c.source_event_id).where(c.source_event_id.in_(keys))).scalars())
    return known


def _standing(tx: sa.Connection, told: Iterable[UUID]) -> dict[UUID, sa.Row[Any]]:
    """The rows of these decisions, locked in one order: so two workers on one trace wait, and do not end each other."""
    c = decision_trajectories.c
    rows: dict[UUID, sa.Row[Any]] = {}
    for keys in _chunks(sorted(told)):
        found = sa.select(c.source_event_id, c.decision_features, c.outcome_features).where(c.source_event_id.in_(keys))
        locked = found.order_by(c.source_event_id).with_for_update()
        rows |= {row.source_event_id: row for row in tx.execute(locked)}
    return rows


def _update(tx: sa.Connection, changed: Mapping[UUID, Mapping[str, Any]]) -> None:
    c = decision_trajectories.c
    of_key = sa.update(decision_trajectories).where(c.source_event_id == sa.bindparam("key"))
    for names in sorted({tuple(changes) for changes in changed.values()}):
        rows = [{"key": key, **changes} for key, changes in changed.items() if tuple(changes) == names]
        tx.execute(of_key.values({name: sa.bindparam(name) for name in names}), rows)


def _changes(row: sa.Row[Any], told: Trajectory) -> dict[str, Any]:
    """What the row does not hold yet. Nothing is taken back: another worker may have known more."""
    changes: dict[str, Any] = {}
    is_acted = told.decision_features["action"] is not None
    if is_acted and row.decision_features != told.decision_features:
        changes["decision_features"] = told.decision_features
    if told.outcome_features is not None and not _is_same_outcome(row.outcome_features, told.outcome_features):
        changes["outcome_features"] = told.outcome_features
        changes["utility_score"] = told.utility_score
        changes["label_quality"] = told.label_quality
    return changes


def _is_same_outcome(stored: Mapping[str, Any] | None, told: Mapping[str, Any]) -> bool:
    # What the settings of the day made of it is not compared: a row keeps the label it got, or was given since.
    return stored is not None and all(stored.get(name) == told[name] for name in FACTS)


def _mark(tx: sa.Connection, event_ids: Sequence[UUID], now: datetime) -> None:
    """Say that these were told, where nobody has yet."""
    c = event_outbox.c
    for keys in _chunks(event_ids):
        is_pending = c.event_id.in_(keys) & c.processed_at.is_(None)
        tx.execute(sa.update(event_outbox).where(is_pending).values(processed_at=now))


def _chunks(keys: Sequence[Key]) -> Iterable[Sequence[Key]]:
    return (keys[first : first + KEYS_AT_ONCE] for first in range(0, len(keys), KEYS_AT_ONCE))
