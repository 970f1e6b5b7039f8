"""POST /predict is answered ahead of the framework: what every other path keeps, it keeps too."""

import json
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from pawl.ledger.database import Ledger
from predict_world import PredictWorld, ready
from serving_world import counts


@pytest.fixture
def small(sqlite_ledger: Ledger, tmp_path: Path) -> Iterator[PredictWorld]:
    with PredictWorld(sqlite_ledger, tmp_path / "home") as opened:
        yield opened


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_bodies_are_bounded_whether_they_say_their_length_or_not(small: PredictWorld) -> None:
    small.promoted(0.7)
    text = json.dumps(ready())
    limit = small.service.settings.max_body_bytes

    async def pieces() -> AsyncIterator[bytes]:
        yield text.encode()
        for _ in range(20):
            yield b" " * (limit // 16)

    assert small.text("/predict", text + " " * (limit - len(text))).status_code == 200
    assert code_of(small.text("/predict", text + " " * (limit - len(text) + 1))) == (413, "body_too_large")
    headers = {"Content-Type": "application/json"}
    assert code_of(small.ask("POST", "/predict", content=pieces(), headers=headers)) == (413, "body_too_large")


def test_a_token_that_asks_too_often_waits_and_a_body_of_another_kind_is_refused(
    sqlite_ledger: Ledger, tmp_path: Path
) -> None:
    with PredictWorld(sqlite_ledger, tmp_path / "home", requests_per_sec=0.5, burst=2) as world:
        world.promoted(0.7)
        headers = {"Content-Type": "text/plain"}
        assert code_of(world.ask("POST", "/predict", content=b"{}", headers=headers)) == (415, "unsupported_media_type")
        assert world.post("/predict", ready()).status_code == 200
        refused = world.post("/predict", ready())
        assert code_of(refused) == (429, "rate_limited")
        assert refused.headers["Retry-After"] == "2"
        assert world.post("/predict", ready(), user="bob").status_code == 200


def test_a_fault_leaves_as_one_and_nothing_of_it_is_told(small: PredictWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("pawl_ann at /home/ann")

    monkeypatch.setattr(small.predictor, "answer", broken)
    answer = small.post("/predict", ready())
    assert code_of(answer) == (500, "internal")
    assert "ann" not in answer.text


def test_the_log_has_a_line_of_what_was_refused_and_the_ledger_has_the_rest(
    small: PredictWorld, caplog: pytest.LogCaptureFixture
) -> None:
    small.promoted(0.7)
    caplog.set_level(logging.INFO, logger="pawl.access")
    assert small.post("/predict?secret=query", ready()).status_code == 200
    assert small.post("/predict?secret=query", ready(version="tiny-9.9")).status_code == 404
    lines = [json.loads(record.message) for record in caplog.records if record.name == "pawl.access"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [("POST", "/predict", 404)]
    assert "secret" not in caplog.text
    assert counts(small.ledger)["model_inference_logs"] == 1
