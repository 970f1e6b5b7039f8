"""`dataset-worker`: when a dataset is due, trajectories become a dataset version."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pawl.jobs.durable_workflow import Json, Steps, Workflow
from pawl.jobs.scheduled import due_runs, retried_runs, take_up_run
from pawl.jobs.worker_role import Queue, Role, World, parking

__all__ = ["DATASET_WORKER", "dataset_role"]

DATASET_WORKER = "dataset-worker"


def dataset_role(world: World) -> Role:
    """The worker. A due time is one workflow; a version that stands already, of the same rows by the same filters, is
    the same version.
    """

    def run(steps: Steps, argument: Mapping[str, Json]) -> Json:
        if not steps("take up", lambda: take_up_run(world, "dataset", argument)):
            return {"skipped": "another run took it up"}
        due_at = datetime.fromisoformat(argument["due_at"])
        start = due_at - timedelta(days=world.settings.dataset_window_days)
        return steps("build", lambda: world.build_dataset(argument["what"], start, due_at))

    def poll(queue: Queue, now: datetime) -> int:
        runs = [*due_runs(world, "dataset", now), *retried_runs(world, DATASET_WORKER)]
        return sum(queue.enqueue(DATASET_WORKER, key, argument) for key, argument in runs)

    workflow = Workflow(name=DATASET_WORKER, run=run, give_up=parking(DATASET_WORKER, "run"))
    return Role(workflow=workflow, poll=poll, count_waiting=lambda: 0)
