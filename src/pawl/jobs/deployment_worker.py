"""`deployment-worker`: the only worker that moves the serving alias, and only to what the gate has passed.

Learners whose candidates are rolled out are left to their rollouts.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import RefusalError
from pawl.jobs.durable_workflow import Json, Steps, Workflow
from pawl.jobs.live.announcing import announce_move
from pawl.jobs.worker_role import Queue, Role, World, is_parked, parking, turn_of
from pawl.ledger.dead_letters import letters_of
from pawl.ledger.deployments import Move, list_deployments, promote
from pawl.ledger.evaluations import get_report, newest_report
from pawl.ledger.live_log import has_loop
from pawl.ledger.model_versions import StoredVersion, champion, get_version, list_challengers
from pawl.ledger.rollouts import newest_rollout
from pawl.ledger.trigger_firings import is_paused

__all__ = ["DEPLOYMENT_WORKER", "Paused", "deployment_role"]

DEPLOYMENT_WORKER = "deployment-worker"


class Paused(Exception):  # noqa: N818 - it says why a step is tried again
    """A pause began after the report was queued; the next try finds it lifted, or the report is parked."""


def deployment_role(world: World) -> Role:
    """The worker. A passing report is one workflow, and moves the alias once at most, however often it runs."""

    def run(steps: Steps, argument: Mapping[str, Json]) -> Json:
        return steps("promote", lambda: _promote(world, UUID(argument["eval_id"])))

    def poll(queue: Queue, now: datetime) -> int:
        with world.ledger.reading() as tx:
            letters = letters_of(tx, DEPLOYMENT_WORKER)
            may = [
                one
                for one in list_challengers(tx, verdict="pass")
                if _is_against_champion(tx, one)
                and not is_paused(tx, one.learner, now)
                and not _is_rolled_out(tx, one.learner)
            ]
        n_new = 0
        for one in may:
            letter = letters.get(str(one.eval_id))
            if not is_parked(letter):
                argument = {"eval_id": str(one.eval_id)}
                n_new += queue.enqueue(DEPLOYMENT_WORKER, turn_of(str(one.eval_id), letter), argument)
        return n_new

    workflow = Workflow(name=DEPLOYMENT_WORKER, run=run, give_up=parking(DEPLOYMENT_WORKER, "eval_id"))
    return Role(workflow=workflow, poll=poll, count_waiting=lambda: 0)


def _is_rolled_out(tx: sa.Connection, learner: str) -> bool:
    """Whether candidates of a learner are let in step by step, or by a loop that knows when: a verdict alone moves
    nothing then, for an update may be kept on purpose, and an arm of a test waits for its end.
    """
    return newest_rollout(tx, learner) is not None or has_loop(tx, learner)


def _is_against_champion(tx: sa.Connection, one: StoredVersion) -> bool:
    report = newest_report(tx, one.version)
    return report is not None and report.baseline == champion(tx, one.learner, one.role)


def _promote(world: World, eval_id: UUID) -> Json:
    with world.ledger.reading() as tx:
        report = get_report(tx, eval_id)
        stored = get_version(tx, report.version)
        is_done = any(one.eval_id == eval_id for one in list_deployments(tx, stored.learner, stored.role))
        paused = is_paused(tx, stored.learner, world.now())
        is_left = _is_rolled_out(tx, stored.learner)
    if not is_done and is_left:  # its first rollout began after the report was queued
        return {"version": report.version, "is_moved": False, "why": "its rollout decides"}
    if not is_done and paused:
        raise Paused(f"deployments of `{stored.learner}` are paused")
    if not is_done:
        move = Move(by=DEPLOYMENT_WORKER, reason="; ".join(report.verdict.reasons), at=world.now())
        try:
            with world.ledger.transaction() as tx:
                announce_move(tx, promote(tx, report.version, eval_id, move))
        except (
            RefusalError
        ) as error:  # an honest no, as when the champion has changed since; trying again changes nothing
            return {"version": report.version, "is_moved": False, "why": error.what}
    return {"version": report.version, "is_moved": True}
