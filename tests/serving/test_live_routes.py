"""What a running loop says of itself over HTTP."""

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from pawl.errors import StorageError
from pawl.serving.live_routes import LiveSide, live_routes


def client(live: LiveSide) -> TestClient:
    app = FastAPI()
    app.include_router(live_routes(live))
    return TestClient(app)


@pytest.mark.parametrize(("wrong", "code"), [(None, 200), ("the newest bar closed yesterday", 503)])
def test_ready_says_what_is_wrong(wrong: str | None, code: int) -> None:
    live = LiveSide(checks=lambda: {"ledger": None, "newest_bar": wrong}, metrics=lambda: b"")
    answer: httpx.Response = client(live).get("/ready")
    assert answer.status_code == code
    assert answer.json()["checks"] == {"ledger": None, "newest_bar": wrong}


def test_a_ledger_that_does_not_answer_is_not_ready() -> None:
    def gone() -> dict[str, str | None]:
        raise StorageError("the ledger does not answer", where="postgresql://somewhere", fix="wait")

    answer = client(LiveSide(checks=gone, metrics=lambda: b"")).get("/ready")
    assert answer.status_code == 503 and answer.json()["checks"] == {"ledger": "the ledger does not answer"}


def test_metrics_are_text() -> None:
    answer = client(LiveSide(checks=dict, metrics=lambda: b"pawl_up 1.0\n")).get("/metrics")
    assert answer.text == "pawl_up 1.0\n" and answer.headers["content-type"].startswith("text/plain; version=0.0.4")
