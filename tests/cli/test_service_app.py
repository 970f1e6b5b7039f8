"""The application as `pawl serve` and `pawl up` compose it: every part behind its path, closed with its stack."""

import asyncio
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

import httpx
import pytest

from ledger_world import START
from pawl.cli.service_app import service_app
from pawl.errors import StorageError
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.tokens import create_token
from pawl.serving.ab_test_routes import AB_TESTS
from pawl.serving.live_routes import LiveSide
from pawl.serving.passport_routes import LEARNING
from pawl.serving.service import Clocks
from pawl.settings import Settings

CLOCKS = Clocks(now=lambda: START, monotonic=monotonic)


def ask(app: object, method: str, path: str, **sent: object) -> httpx.Response:
    """One request to the application itself."""

    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://pawl") as client:
            return await client.request(method, path, **sent)  # type: ignore[arg-type]

    return asyncio.run(once())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def test_everything_that_pawl_serves_is_behind_its_path(settings: Settings, sqlite_ledger: Ledger) -> None:
    with ExitStack() as stack:
        app = service_app(settings, sqlite_ledger, CLOCKS, stack)
        paths = set(ask(app, "GET", "/openapi.json").json()["paths"])
        assert ask(app, "GET", "/health").json() == {"status": "ok"}
    assert {"/health", "/predict", "/api/signals/track"} <= paths
    assert {f"{LEARNING}/status", f"{AB_TESTS}/start"} <= paths
    assert not {"/ready", "/metrics"} & paths  # nothing runs beside it


def test_a_loop_beside_it_is_asked_for_its_health_and_metrics(settings: Settings, sqlite_ledger: Ledger) -> None:
    away = [False]

    def checks() -> dict[str, str | None]:
        if away[0]:
            raise StorageError("the ledger is away", where="ledger", fix="wait")
        return {"signals": None}

    live = LiveSide(checks=checks, metrics=lambda: b"pawl_up 1.0\n")
    with ExitStack() as stack:
        app = service_app(settings, sqlite_ledger, CLOCKS, stack, live)
        assert ask(app, "GET", "/ready").json() == {"status": "ready", "checks": {"signals": None}}
        assert ask(app, "GET", "/metrics").text == "pawl_up 1.0\n"
        away[0] = True
        answer = ask(app, "GET", "/ready")
    assert (answer.status_code, answer.json()["checks"]) == (503, {"ledger": "the ledger is away"})


def test_what_is_predicted_and_written_asks_for_a_token_and_the_stack_closes_the_writers(
    settings: Settings, ledger: Ledger
) -> None:
    body = {"ticker": "BTCUSDT", "direction": "long", "confidence": 0.7, "sl_bps": 120, "tp_bps": [180], "entry": 100.0}
    with ledger.transaction() as tx:
        create_token(tx, "pawl_ann", identity("user", "ann"), "ann", START)
    token = {"Authorization": "Bearer pawl_ann"}
    with ExitStack() as stack:
        app = service_app(settings, ledger, CLOCKS, stack)
        assert ask(app, "POST", "/predict", json={}).status_code == 401
        assert ask(app, "POST", "/api/signals/track", json=body).status_code == 401
        keyed = {**token, "Idempotency-Key": "one"}
        given = ask(app, "POST", "/api/signals/track", json=body, headers=keyed)
        assert given.status_code in (200, 201), given.text
    # The writer is closed with the stack, behind what it was given; it takes nothing more.
    late = ask(app, "POST", "/api/signals/track", json=body, headers={**token, "Idempotency-Key": "two"})
    assert late.status_code == 409 and "closed" in late.text
