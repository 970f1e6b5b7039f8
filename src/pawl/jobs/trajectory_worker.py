"""`trajectory-worker`: events of the outbox become decision trajectories, and lines of the event lake."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import StorageError
from pawl.jobs.durable_workflow import Json, Steps, Workflow, failure_of
from pawl.jobs.worker_role import Queue, Role, World
from pawl.ledger.identity import identity
from pawl.ledger.outbox import Due, claim_events, count_pending, due_events, mark_failed, mark_processed, waiting_events

__all__ = ["TRAJECTORY_WORKER", "Fold", "Keep", "trajectory_role"]

TRAJECTORY_WORKER = "trajectory-worker"
BATCHES_AHEAD = 8

Events = Sequence[sa.Row[Any]]
Fold = Callable[[sa.Connection, Events, datetime], None]
"""Folds events into trajectories, in the caller's transaction; folding one again changes nothing."""
Keep = Callable[[Events], None]
"""Puts events into the lake; putting one again changes nothing."""


def trajectory_role(world: World, fold: Fold, keep: Keep) -> Role:
    """The worker. A batch is one workflow: into the lake, then in one transaction into trajectories and processed."""
    ledger, backoff = world.ledger, world.settings.backoff

    def run(steps: Steps, argument: Mapping[str, Json]) -> Json:
        ids = [UUID(one) for one in argument["events"]]

        def into_lake() -> Json:
            with ledger.reading() as tx:
                events = waiting_events(tx, ids)
            keep(events)
            return len(events)

        def into_trajectories() -> Json:
            now = world.now()
            with ledger.transaction() as tx:
                events = claim_events(tx, ids)
                failed = _fold(tx, events, fold, now)
                mark_processed(tx, [one.event_id for one in events if one.event_id not in failed], now)
                parked = [
                    mark_failed(tx, one, failed[one.event_id], TRAJECTORY_WORKER, backoff, now)
                    for one in events
                    if one.event_id in failed
                ]
            return {"processed": len(events) - len(failed), "failed": len(failed), "parked": sum(parked)}

        steps("lake", into_lake)
        return steps("fold", into_trajectories)

    def give_up(tx: sa.Connection, argument: Mapping[str, Json], error: str, attempts: int, now: datetime) -> None:
        # The batch is over; each of its events has failed once, and comes again alone.
        for event in claim_events(tx, [UUID(one) for one in argument["events"]]):
            mark_failed(tx, event, error, TRAJECTORY_WORKER, backoff, now)

    def poll(queue: Queue, now: datetime) -> int:
        size = world.settings.batch_size
        with ledger.reading() as tx:
            due = due_events(tx, now, size * BATCHES_AHEAD)
        n_new = 0
        for batch in _batches(due, size):
            key = str(identity("batch", *(f"{one.event_id}/{one.attempts}/{one.next_attempt_at}" for one in batch)))
            n_new += queue.enqueue(TRAJECTORY_WORKER, key, {"events": [str(one.event_id) for one in batch]})
        return n_new

    def count_waiting() -> int:
        with ledger.reading() as tx:
            return count_pending(tx)

    workflow = Workflow(name=TRAJECTORY_WORKER, run=run, give_up=give_up, concurrency=world.settings.concurrency)
    return Role(workflow=workflow, poll=poll, count_waiting=count_waiting)


def _batches(due: Sequence[Due], size: int) -> list[Sequence[Due]]:
    """Fresh events in batches; each that failed before on its own, so that it holds nobody up."""
    fresh, tried = ([one for one in due if (one.attempts > 0) is was_tried] for was_tried in (False, True))
    return [*(fresh[start : start + size] for start in range(0, len(fresh), size)), *([one] for one in tried)]


def _fold(tx: sa.Connection, events: Events, fold: Fold, now: datetime) -> dict[UUID, str]:
    """Fold the events; those that cannot be, with why. What fails is looked for by halving, the rest is folded."""
    if not events:
        return {}
    try:
        with tx.begin_nested():
            fold(tx, events, now)
    except (StorageError, sa.exc.OperationalError):  # the database's fault, and no event's
        raise
    except Exception as error:  # noqa: BLE001 - a worker's outer loop: whatever an event holds, the others go on
        if len(events) == 1:
            return {events[0].event_id: failure_of(error)[0]}
        half = len(events) // 2
        return {**_fold(tx, events[:half], fold, now), **_fold(tx, events[half:], fold, now)}
    return {}
