"""What the predictor remembers, and when it gives up."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from pawl.errors import StorageError
from pawl.ledger.database import Ledger
from pawl.ledger.inference_writer import Entry, Filed
from pawl.serving import predictor
from pawl.serving.prediction_bodies import PredictBody
from predict_world import PredictWorld, ready
from serving_world import counts


@pytest.fixture
def world(sqlite_ledger: Ledger, tmp_path: Path) -> Iterator[PredictWorld]:
    with PredictWorld(sqlite_ledger, tmp_path / "home") as opened:
        yield opened


def test_the_traffic_is_read_once_while_it_holds(world: PredictWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.promoted(0.7)
    read, real = [], predictor.deciders
    monkeypatch.setattr(predictor, "deciders", lambda tx, learner: read.append(learner) or real(tx, learner))
    for number in range(5):
        assert world.post("/predict", ready(0.1 + number)).status_code == 200
    assert read == ["tiny"]
    world.promoted(0.8)
    for number in range(5):
        assert world.post("/predict", ready(0.1 + number)).json()["confidence"] == 0.8
    assert read == ["tiny", "tiny"]


def test_traffic_that_changes_all_the_time_is_given_up_and_nothing_is_said(world: PredictWorld) -> None:
    world.promoted(0.7)
    tried: list[Entry] = []

    async def outdated(entry: Entry) -> Filed:
        tried.append(entry)
        return Filed.OUTDATED

    world.predictor.desk.file = outdated  # type: ignore[method-assign]
    body = PredictBody.model_validate(ready())
    with pytest.raises(StorageError, match="change all the time"):
        asyncio.run(world.predictor.answer(body, world.user_id("ann")))
    assert len(tried) == predictor.ATTEMPTS
    assert counts(world.ledger)["model_inference_logs"] == 0


def test_the_time_it_took_is_filed(world: PredictWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.promoted(0.7)
    filed: list[Entry] = []
    file = world.predictor.desk.file

    async def noted(entry: Entry) -> Filed:
        filed.append(entry)
        return await file(entry)

    ticks = iter((10.0, 10.0125))
    monkeypatch.setattr(world.predictor.desk, "file", noted)
    world.predictor.clocks = type(world.predictor.clocks)(now=lambda: world.at, monotonic=lambda: next(ticks))
    asyncio.run(world.predictor.answer(PredictBody.model_validate(ready()), world.user_id("ann")))
    assert filed[0].inference.latency_ms == 12
