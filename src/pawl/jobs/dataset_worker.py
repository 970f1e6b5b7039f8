"""`dataset-worker`: when a dataset is due, trajectories become a dataset version."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from pawl.datasets.cut import latest_cut
from pawl.datasets.versions import DatasetRequest, build_dataset
from pawl.jobs.code_version import code_version
from pawl.jobs.durable_workflow import Json, Steps, Workflow
from pawl.jobs.scheduled import due_runs, retried_runs, take_up_run
from pawl.jobs.worker_role import Queue, Role, World, parking
from pawl.ledger.column_types import utc_text
from pawl.ledger.training_tables import dataset_versions

__all__ = ["DATASET_WORKER", "dataset_role"]

DATASET_WORKER = "dataset-worker"


def dataset_role(world: World) -> Role:
    """The worker. A due time is one workflow: taken up, cut, built. Where it is cut is recorded before it is built, so
    that building it again gives the same version.
    """

    def run(steps: Steps, argument: Mapping[str, Json]) -> Json:
        if not steps("take up", lambda: take_up_run(world, "dataset", argument)):
            return {"skipped": "another run took it up"}
        cut_at = steps("cut", lambda: _cut(world))
        return steps("build", lambda: _build(world, argument, cut_at))

    def poll(queue: Queue, now: datetime) -> int:
        runs = [*due_runs(world, "dataset", now), *retried_runs(world, DATASET_WORKER)]
        return sum(queue.enqueue(DATASET_WORKER, key, argument) for key, argument in runs)

    workflow = Workflow(name=DATASET_WORKER, run=run, give_up=parking(DATASET_WORKER, "run"))
    return Role(workflow=workflow, poll=poll, count_waiting=lambda: 0)


def _cut(world: World) -> str:
    with world.ledger.reading() as tx:
        return utc_text(latest_cut(tx, world.now()).latest)


def _build(world: World, argument: Mapping[str, Json], cut_at: str) -> Json:
    end = datetime.fromisoformat(argument["due_at"])
    request = DatasetRequest(
        dataset_type=argument["what"],
        start=end - timedelta(days=world.settings.dataset_window_days),
        end=end,
        settings=world.passport,
        seed=world.seed,
        code=code_version(),
        cut_at=datetime.fromisoformat(cut_at),
    )
    standing = _standing(world, request, cut_at)
    if standing is None:
        standing = str(build_dataset(world.ledger, world.workspace.home, request, world.now()).dataset_version_id)
    return {"dataset_version_id": standing}


def _standing(world: World, request: DatasetRequest, cut_at: str) -> str | None:
    """The version that this very run has built, if its process died behind it; no other was cut at this microsecond."""
    c = dataset_versions.c
    chosen = sa.select(c.dataset_version_id, c.filters).where(
        c.dataset_type == request.dataset_type, c.window_start == request.start, c.window_end == request.end
    )
    with world.ledger.reading() as tx:
        found = [str(row.dataset_version_id) for row in tx.execute(chosen) if row.filters.get("cut_at") == cut_at]
    return found[0] if found else None
