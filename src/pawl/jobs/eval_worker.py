"""`eval-worker`: judges every new version, once; those of a live loop are judged by the loop."""

from collections.abc import Mapping
from datetime import datetime

from pawl.ids import ModelVersion
from pawl.jobs.durable_workflow import Json, Steps, Workflow
from pawl.jobs.verdicts import judge_version
from pawl.jobs.worker_role import Queue, Role, World, is_parked, parking, turn_of
from pawl.ledger.dead_letters import letters_of
from pawl.ledger.evaluations import newest_report
from pawl.ledger.live_log import has_loop
from pawl.ledger.model_versions import list_challengers

__all__ = ["EVAL_WORKER", "eval_role"]

EVAL_WORKER = "eval-worker"


def eval_role(world: World) -> Role:
    """The worker. A version is one workflow; its report is the first, or none is recorded. An evaluation that cannot be
    made leaves no report, and what has no report is never promoted.
    """

    def run(steps: Steps, argument: Mapping[str, Json]) -> Json:
        return steps("judge", lambda: _judge(world, ModelVersion(argument["version"]), argument["learner"]))

    def poll(queue: Queue, now: datetime) -> int:
        with world.ledger.reading() as tx:
            letters = letters_of(tx, EVAL_WORKER)
            # A live loop judges what it trains, under its own training lock; a second judge would be another verdict.
            new = [one for one in list_challengers(tx, verdict=None) if not has_loop(tx, one.learner)]
        n_new = 0
        for one in new:
            letter = letters.get(one.version)
            if not is_parked(letter):
                argument = {"version": one.version, "learner": one.learner}
                n_new += queue.enqueue(EVAL_WORKER, turn_of(one.version, letter), argument)
        return n_new

    workflow = Workflow(name=EVAL_WORKER, run=run, give_up=parking(EVAL_WORKER, "version"))
    return Role(workflow=workflow, poll=poll, count_waiting=lambda: 0)


def _judge(world: World, version: ModelVersion, learner: str) -> Json:
    with world.ledger.reading() as tx:
        report = newest_report(tx, version)
    if report is None:
        report = judge_version(
            world.workspace, world.learner_named(learner), version, world.terms, world.now(), only_as=1
        )
    return {"eval_id": str(report.eval_id), "passed": report.verdict.passed}
