"""A due dataset is one version, whoever asks and however often its steps run; what cannot be built is parked."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from inline_engine import Clock, Inline, paper_world
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.trajectories import fold_events
from pawl.datasets.versions import verify_dataset
from pawl.jobs.dataset_worker import dataset_role
from pawl.jobs.parked import retry_letter
from pawl.jobs.worker_role import World
from pawl.ledger.database import Ledger
from pawl.ledger.dead_letters import list_letters
from pawl.ledger.training_tables import dataset_versions
from worker_world import record_chains

MONDAY = datetime(2022, 5, 30, tzinfo=UTC)
WEEKLY = {"dataset_every_hours": {"pretrain": 168.0}}


def told(ledger: Ledger, at: datetime) -> None:
    ids = record_chains(ledger, 4, at)
    with ledger.transaction() as tx:
        fold_events(tx, ids, PassportSettings(), at)


def versions(ledger: Ledger) -> list[sa.Row[Any]]:
    with ledger.reading() as tx:
        return list(tx.execute(sa.select(dataset_versions).order_by(dataset_versions.c.created_at)))


def world_of(ledger: Ledger, home: Path, clock: Callable[[], datetime]) -> World:
    return paper_world(ledger, home, clock, **WEEKLY)


def test_a_due_dataset_is_built_once_and_can_be_verified(ledger: Ledger, tmp_path: Path) -> None:
    clock = Clock(MONDAY + timedelta(hours=1))
    told(ledger, MONDAY - timedelta(days=3))
    world = world_of(ledger, tmp_path, clock)
    role = dataset_role(world)
    for _ in range(2):
        Inline(world).work(role)
    (one,) = versions(ledger)
    assert (one.dataset_type, one.window_end) == ("pretrain", MONDAY)
    assert one.window_start == MONDAY - timedelta(days=90)
    assert verify_dataset(ledger, tmp_path, one.dataset_version_id).is_identical
    clock.forward(timedelta(days=21))
    Inline(world).work(role)
    assert [row.window_end for row in versions(ledger)] == [MONDAY, MONDAY + timedelta(days=21)]


def test_a_step_that_runs_again_gives_the_same_version_although_outcomes_came(ledger: Ledger, tmp_path: Path) -> None:
    clock = Clock(MONDAY + timedelta(hours=1))
    told(ledger, MONDAY - timedelta(days=3))
    world = world_of(ledger, tmp_path, clock)
    role = dataset_role(world)
    engine = Inline(world)
    role.poll(engine, clock())
    (argument,) = engine.waiting

    def builds_twice(name: str, act: Callable[[], Any]) -> Any:
        first = act()
        if name == "build":
            told(ledger, MONDAY - timedelta(days=2))
            assert act() == first
        return first

    role.workflow.run(builds_twice, argument)
    assert len(versions(ledger)) == 1


@pytest.mark.parametrize("kind", ["pretrain"])
def test_a_dataset_with_nothing_in_it_is_parked_and_goes_again_when_let_go(
    ledger: Ledger, tmp_path: Path, kind: str
) -> None:
    clock = Clock(MONDAY + timedelta(hours=1))
    world = world_of(ledger, tmp_path, clock)
    role = dataset_role(world)
    engine = Inline(world)
    engine.work(role)
    with ledger.transaction() as tx:
        (letter,) = list_letters(tx)
        retry_letter(tx, letter.letter_id, clock())
    assert (letter.worker, letter.item_id) == ("dataset-worker", f"{kind}@2022-05-30T00:00:00.000000Z")
    assert "nothing is left" in letter.error
    told(ledger, MONDAY - timedelta(days=3))
    engine.work(role)
    assert len(versions(ledger)) == 1
