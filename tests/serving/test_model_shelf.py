"""Models are read from the store once, kept while they are asked for, and let go when too many others are."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pawl.errors import CorruptArtifactError, InputError, NotFoundError
from pawl.ids import ModelVersion
from pawl.ledger.database import Ledger
from pawl.registry.artifacts import ArtifactStore
from pawl.serving import model_shelf
from predict_world import PredictWorld


@pytest.fixture
def world(sqlite_ledger: Ledger, tmp_path: Path) -> Iterator[PredictWorld]:
    with PredictWorld(sqlite_ledger, tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def n_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The artifacts that were read."""
    read, load = [], ArtifactStore.load

    def noted(store: ArtifactStore, set_id: str) -> dict[str, bytes]:
        read.append(set_id)
        return load(store, set_id)

    monkeypatch.setattr(ArtifactStore, "load", noted)
    return read


def test_a_version_is_read_once_whoever_asks(world: PredictWorld, n_read: list[str]) -> None:
    version = world.trained(0.7)
    assert world.shelf.find(version) is None
    threads = [threading.Thread(target=world.shelf.fetch, args=(version,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.shelf.find(version) is world.shelf.fetch(version)
    assert len(n_read) == 1


def test_of_too_many_the_one_goes_that_was_asked_for_longest_ago(
    world: PredictWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_shelf, "MOST_MODELS", 2)
    a, b, c = (world.trained(share) for share in (0.6, 0.7, 0.8))
    world.shelf.fetch(a)
    world.shelf.fetch(b)
    world.shelf.find(a)
    world.shelf.fetch(c)
    assert [world.shelf.find(version) is not None for version in (a, b, c)] == [True, False, True]


RING = """
import gc, weakref
from pawl.serving.model_shelf import keep_collector_out

class Ring:
    pass

ring = Ring()
ring.itself, gone = ring, weakref.ref(ring)
keep_collector_out()
print(gc.get_freeze_count() > 1000, gone() is not None)
del ring
keep_collector_out()
print(gone() is None)
"""


def test_the_collector_walks_past_what_stays_and_not_past_what_went() -> None:
    done = subprocess.run([sys.executable, "-c", RING], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "True"]


def test_a_model_that_was_read_is_kept_out_of_its_way(world: PredictWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    n_kept = []
    monkeypatch.setattr(model_shelf, "keep_collector_out", lambda: n_kept.append(1))
    version = world.trained(0.7)
    for _ in range(2):
        world.shelf.fetch(version)
    assert n_kept == [1]


def test_unknown_and_spoilt_versions_are_refused_each_time(world: PredictWorld) -> None:
    for _ in range(2):
        with pytest.raises(NotFoundError, match=r"tiny-7\.7"):
            world.shelf.fetch(ModelVersion("tiny-7.7"))
    version = world.trained(0.7)
    for path in (world.workspace.home / "artifacts").rglob("*"):
        if path.is_file():
            path.write_bytes(b"spoilt")
    for _ in range(2):
        with pytest.raises(CorruptArtifactError):
            world.shelf.fetch(version)


def test_ready_features_are_taken_in_their_form_alone(world: PredictWorld) -> None:
    shelved = world.shelf.fetch(world.trained(0.7))
    assert shelved.say(np.array([[0.1, 0.2]])).confidence == 0.7
    with pytest.raises(InputError, match="shape"):
        shelved.say(np.array([[0.1]]))
    deaf = world.shelf.fetch(world.trained(0.7, learner="deaf"))
    with pytest.raises(InputError, match="reads no ready features"):
        deaf.say(np.array([[0.1, 0.2]]))
