"""`trajectory-worker`: events of the outbox become lines of the event lake and decision trajectories."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from pawl.datasets.lake_feed import feed_lake
from pawl.datasets.trajectories import fold_events
from pawl.errors import StorageError
from pawl.jobs.durable_workflow import Json, Steps, Workflow, failure_of
from pawl.jobs.worker_role import Queue, Role, World
from pawl.lake.event_lake import EventLake
from pawl.ledger.identity import identity
from pawl.ledger.outbox import Due, claim_events, count_pending, due_events, mark_failed, still_waiting

__all__ = ["TRAJECTORY_WORKER", "trajectory_role"]

TRAJECTORY_WORKER = "trajectory-worker"
BATCHES_AHEAD = 8
EARLY = "what it belongs to has not arrived: its decision, its action, or the inference that it names"


def trajectory_role(world: World) -> Role:
    """The worker. A batch is one workflow: into the lake, then in one transaction into trajectories and processed."""
    ledger, lake = world.ledger, EventLake(world.workspace.home)

    def run(steps: Steps, argument: Mapping[str, Json]) -> Json:
        ids = [UUID(one) for one in argument["events"]]

        def into_lake() -> int:
            with ledger.reading() as tx:
                return feed_lake(tx, lake, still_waiting(tx, ids))

        steps("lake", into_lake)
        return steps("fold", lambda: _deliver(world, ids))

    def give_up(tx: sa.Connection, argument: Mapping[str, Json], error: str, attempts: int, now: datetime) -> None:
        # The batch is over; each of its events has failed once, and comes again alone.
        for event in claim_events(tx, [UUID(one) for one in argument["events"]]):
            mark_failed(tx, event, error, TRAJECTORY_WORKER, world.settings.backoff, now)

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
    fresh, tried = ([one for one in due if (one.next_attempt_at is not None) is was] for was in (False, True))
    return [*(fresh[start : start + size] for start in range(0, len(fresh), size)), *([one] for one in tried)]


def _deliver(world: World, event_ids: Sequence[UUID]) -> Json:
    """Fold the events that still wait: their trajectories and what became of each stand together, or not at all."""
    now = world.now()
    with world.ledger.transaction() as tx:
        events = claim_events(tx, event_ids)
        failed = _fold(tx, [one.event_id for one in events], world, now)
        parked = [
            mark_failed(tx, one, failed[one.event_id], TRAJECTORY_WORKER, world.settings.backoff, now)
            for one in events
            if one.event_id in failed
        ]
    return {"processed": len(events) - len(failed), "failed": len(failed), "parked": sum(parked)}


def _fold(tx: sa.Connection, event_ids: Sequence[UUID], world: World, now: datetime) -> dict[UUID, str]:
    """Fold the events; those that cannot be, with why. What breaks the fold is looked for by halving."""
    if not event_ids:
        return {}
    try:
        with tx.begin_nested():
            folded = fold_events(tx, event_ids, world.passport, now)
    except (StorageError, sa.exc.OperationalError):  # the database's fault, and no event's
        raise
    except Exception as error:  # noqa: BLE001 - a worker's outer loop: whatever an event holds, the others go on
        if len(event_ids) == 1:
            return {event_ids[0]: failure_of(error)[0]}
        half = len(event_ids) // 2
        return {**_fold(tx, event_ids[:half], world, now), **_fold(tx, event_ids[half:], world, now)}
    # One that waits for another is tried again like one that failed; what it says is told when the other arrives,
    # parked or not, for a decision is always told from all of its events.
    return {one: EARLY for one in folded.waiting} | {one: str(error) for one, error in folded.failed.items()}
