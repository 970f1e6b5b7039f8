"""The one training that firings wait for: it starts when nothing pauses it, or when a person asked."""

from collections.abc import Callable
from datetime import datetime, timedelta

from pawl.ids import ModelVersion
from pawl.jobs.live.cycle import Told
from pawl.jobs.live.watched_world import WatchedWorld
from pawl.ledger.training_outcomes import failed_trainings, succeeded_job
from pawl.ledger.trigger_firings import BY_HAND, answer, is_paused, waiting

__all__ = ["MOST_TRIES", "train_waiting"]

MOST_TRIES = 3
"""Trainings that may fail for one firing before it is answered by the last of them: one that fails will go on failing,
and the next training on schedule comes anyway."""

PATIENCE = timedelta(days=7)

Train = Callable[[datetime, str], ModelVersion | None]
"""A full training at an instant for a cause: the version it gave, None where it did not start. One instant has one
training, however often it is asked for."""


def train_waiting(world: WatchedWorld, at: datetime, train: Train) -> Told:
    """Let one full training answer every firing that waits. Run again for the same instant, as after a crash, it goes
    on with the training of that instant.
    """
    with world.ledger.reading() as tx:
        asked = waiting(tx, world.name)
        paused = is_paused(tx, world.name, at)
        cause = BY_HAND if any(one.kind == BY_HAND for one in asked) else asked[0].kind if asked else ""
        since = min([*(one.at for one in asked if one.at <= at), at]) if asked else at
        since = since if since < at else at - PATIENCE
        failed = [one for one in failed_trainings(tx, world.name, since, at) if one.cause == cause]
    if not asked:
        return {"waiting": 0, "version": None}
    if paused and cause != BY_HAND:
        return {"waiting": len(asked), "version": None, "held": "paused"}
    ids = [one.firing_id for one in asked]
    if len(failed) >= MOST_TRIES:
        with world.ledger.transaction() as tx:
            answer(tx, ids, failed[-1].job_id)
        return {"waiting": 0, "version": None, "cause": cause, "held": f"failed {len(failed)} times"}
    version = train(at, cause)
    if version is None:
        return {"waiting": len(asked), "version": None, "cause": cause, "held": "did not start"}
    with world.ledger.transaction() as tx:
        answer(tx, ids, succeeded_job(tx, version))
    return {"waiting": 0, "version": version, "cause": cause}
