"""Whatever is killed when: no event is lost, and nothing is done twice. Real processes, SIGKILL, both databases."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from decision_events import told_rows
from pawl.datasets.lake_feed import feed_lake
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.trajectories import fold_events
from pawl.lake.event_lake import EventLake
from pawl.ledger.database import Ledger
from postgres import DATABASES, Databases
from worker_processes import Scene, ended_well, sound
from worker_world import record_chains

N_CHAINS, N_FOLDED, N_SHARED = 12, 6, 60
FOLDED, SHARED = datetime(2022, 4, 1, tzinfo=UTC), datetime(2022, 4, 20, tzinfo=UTC)
STEPS = {
    "dataset-worker": ("take up", "cut", "build"),
    "trajectory-worker": ("lake", "fold"),
    "train-orchestrator": ("take up", "queue", "train"),
    "eval-worker": ("judge",),
    "deployment-worker": ("promote",),
}
BOUNDARIES = [
    *(f"{name}/enqueue/{side}" for name in STEPS for side in ("before", "recorded")),
    *(
        f"{name}/{step}/{side}"
        for name, steps in STEPS.items()
        for step in steps
        for side in ("before", "done", "recorded")
    ),
    "trajectory-worker/fold/before*3",
    "trajectory-worker/fold/done*3",
    "trajectory-worker/fold/recorded*3",
]

Told = Sequence[Mapping[str, Any]]


@pytest.fixture(scope="session")
def told() -> Told:
    """The trajectories that one undisturbed fold makes of the same events."""
    return told_of()


def told_of(n_shared: int = 0) -> Told:
    """The same, with this many decisions more."""
    ledger = Ledger("sqlite://")
    ledger.make_current()
    folded(ledger, record_chains(ledger, N_FOLDED, FOLDED))
    folded(ledger, record_chains(ledger, N_CHAINS))
    folded(ledger, record_chains(ledger, n_shared, SHARED))
    with ledger.reading() as tx:
        return told_rows(tx)


@pytest.fixture(params=DATABASES)
def scene(request: pytest.FixtureRequest, furnished: Path) -> Iterator[Scene]:
    """The workspace, with decisions in the outbox and a training that is due."""
    if request.param == "sqlite":
        made = Scene(furnished, None)
        filled(made)
        yield made
        return
    postgres: Databases = request.getfixturevalue("postgres")
    url = postgres.create(request.getfixturevalue("fresh_database"))
    made = Scene(furnished, url)
    filled(made)
    yield made
    postgres.drop(url)


def filled(scene: Scene) -> None:
    ledger = scene.ledger()
    ids = record_chains(ledger, N_FOLDED, FOLDED)  # so that a dataset can be made whatever is folded when
    with ledger.reading() as tx:
        feed_lake(tx, EventLake(scene.home), ids)
    folded(ledger, ids)
    record_chains(ledger, N_CHAINS)
    ledger.close()


def folded(ledger: Ledger, ids: Sequence[UUID]) -> None:
    with ledger.transaction() as tx:
        fold_events(tx, ids, PassportSettings(), datetime(2022, 5, 20, tzinfo=UTC))


def finish(scene: Scene, told: Told) -> None:
    """Work on until idle, and look at what stands."""
    scene.bury()
    assert scene.run()
    ledger = scene.ledger()
    sound(ledger, EventLake(scene.home), told)
    ledger.close()


def test_the_boundaries_that_are_killed_at_are_all_there_are(scene: Scene, told: Told) -> None:
    assert scene.run()
    assert {*scene.passed()} == {name for name in BOUNDARIES if "*" not in name}
    ledger = scene.ledger()
    sound(ledger, EventLake(scene.home), told)
    ledger.close()


def test_killed_again_and_again_nothing_is_lost_and_nothing_done_twice(scene: Scene, told: Told) -> None:
    """A seeded sample; `make soak` kills at every boundary."""
    draw = random.Random(20261125)
    for boundary in draw.sample(BOUNDARIES, 2):
        scene.run([boundary])
        scene.bury()
    scene.run(["engine/take over/resumed"])
    scene.bury()
    scene.run_for(draw.uniform(0.0, 1.0))
    finish(scene, told)


@pytest.mark.soak
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_killed_at_any_boundary_nothing_is_lost_and_nothing_done_twice(scene: Scene, told: Told, boundary: str) -> None:
    assert not scene.run([boundary]), f"`{boundary}` was never passed"
    finish(scene, told)


@pytest.mark.soak
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_killed_while_taking_over_nothing_is_lost_and_nothing_done_twice(
    scene: Scene, told: Told, boundary: str
) -> None:
    assert not scene.run([boundary])
    scene.bury()
    scene.run(["engine/take over/resumed"])
    finish(scene, told)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_killed_at_any_instant_nothing_is_lost_and_nothing_done_twice(scene: Scene, told: Told, seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(draw.randint(1, 4)):
        scene.run_for(draw.uniform(0.0, 2.0))
        scene.bury()
    finish(scene, told)


def test_two_workers_share_the_work_and_do_nothing_twice(scene: Scene) -> None:
    ledger = scene.ledger()
    record_chains(ledger, N_SHARED, SHARED)  # deliveries enough that none of the two gets them all
    ledger.close()
    logs = [scene.home / f"log{number}" for number in range(2)]
    gate = scene.home / "gate"  # the start of a process takes longer than the work
    gate.touch()
    processes = [scene.start(log=log) for log in logs]
    while len([*scene.home.glob("ready-*")]) < len(logs):
        assert all(one.poll() is None for one in processes)
        time.sleep(0.02)
    gate.unlink()
    assert all([ended_well(one) for one in processes])
    done = [[line for line in log.read_text().splitlines() if line.endswith("/done")] for log in logs]
    ledger = scene.ledger()
    sound(ledger, EventLake(scene.home), told_of(N_SHARED))
    ledger.close()
    assert all(done), "one of the two did nothing"
