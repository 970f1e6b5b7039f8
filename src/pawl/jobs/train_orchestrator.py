"""`train-orchestrator`: when a training is due it becomes a job, and the job a version, or failed for good. Learners of
which a live loop is on record are trained by the loop.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pawl.jobs.durable_workflow import Json, Steps, Workflow
from pawl.jobs.scheduled import due_runs, retried_runs, take_up_run
from pawl.jobs.training import train
from pawl.jobs.training_data import TrainingOrder
from pawl.jobs.worker_role import Queue, Role, World, parking
from pawl.learners.learner import silent
from pawl.ledger.live_log import has_loop
from pawl.ledger.train_jobs import NewJob, enqueue_job, fail_cut_off, fail_job, job_of_run, job_status, start_job
from pawl.ledger.version_number import VersionNumber, claim_number

__all__ = ["TRAIN_ORCHESTRATOR", "train_role"]

TRAIN_ORCHESTRATOR = "train-orchestrator"


class CutOff(Exception):  # noqa: N818 - it says what became of a job, and ends a step
    """The process that ran the training died; its job has failed, and the next try is a new one."""


def train_role(world: World) -> Role:
    """The worker. A due time is one workflow: taken up, a queued job, the training. Another try is another job."""

    def run(steps: Steps, argument: Mapping[str, Json]) -> Json:
        if not steps("take up", lambda: not _is_lived(world, argument) and take_up_run(world, "train", argument)):
            return {"skipped": "another run took it up, or a live loop trains it"}
        job = steps("queue", lambda: _queue(world, argument))
        steps("train", lambda: _train(world, argument, UUID(job["job_id"]), job["version"]))
        return job

    def poll(queue: Queue, now: datetime) -> int:
        runs = [*due_runs(world, "train", now), *retried_runs(world, TRAIN_ORCHESTRATOR)]
        return sum(
            queue.enqueue(TRAIN_ORCHESTRATOR, key, argument) for key, argument in runs if not _is_lived(world, argument)
        )

    workflow = Workflow(name=TRAIN_ORCHESTRATOR, run=run, give_up=parking(TRAIN_ORCHESTRATOR, "run"))
    return Role(workflow=workflow, poll=poll, count_waiting=lambda: 0)


def _is_lived(world: World, argument: Mapping[str, Json]) -> bool:
    """Whether a live loop trains the learner, by its own calendar and on what it has received: another version between
    its own would take a number of its row, and would be played again by nobody.
    """
    with world.ledger.reading() as tx:
        return has_loop(tx, argument["what"])


def _queue(world: World, argument: Mapping[str, Json]) -> Json:
    """The job of this try: the one that stands, or a new one where there is none, or none that has not failed."""
    learner, run, now = argument["what"], argument["run"], world.now()
    with world.ledger.transaction() as tx:
        job = job_of_run(tx, learner, run)
        if job is None or job.status == "failed":
            version = claim_number(tx, learner, now).version if job is None else job.version
            hyperparams = {"seed": world.seed, "run": run}
            # What it reads is known when it starts.
            job_id = enqueue_job(tx, NewJob(version=version, dataset_version_ids=[], hyperparams=hyperparams), now)
            return {"job_id": str(job_id), "version": version}
    return {"job_id": str(job.job_id), "version": job.version}


def _train(world: World, argument: Mapping[str, Json], job_id: UUID, version: str) -> None:
    number, now = VersionNumber.parse(version), world.now()
    with world.ledger.transaction() as tx:
        status = job_status(tx, job_id)
        if status == "running":  # the engine gives a step out again only when its process is gone
            fail_cut_off(tx, number.version, now)
    if status == "succeeded":
        return
    if status != "queued":
        raise CutOff(f"the process that trained `{version}` died")
    order = TrainingOrder(
        to=datetime.fromisoformat(argument["due_at"]),
        now=now,
        seed=world.seed,
        costs=world.costs,
        limits=world.limits,
        n_jobs=world.n_jobs,
        number=number,
        job_id=job_id,
    )
    try:
        train(world.workspace, world.learner_named(argument["what"]), order, silent)
    except Exception as error:
        _fail_queued(world, job_id, str(error) or type(error).__name__)
        raise


def _fail_queued(world: World, job_id: UUID, error: str) -> None:
    """A job whose training could not even start fails as well; one that had started was failed by the registry."""
    now = world.now()
    with world.ledger.transaction() as tx:
        if job_status(tx, job_id) == "queued":
            start_job(tx, job_id, now)
            fail_job(tx, job_id, error, now)
