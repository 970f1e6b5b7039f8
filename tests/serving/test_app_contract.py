"""The OpenAPI document is kept: whatever it allows, and whatever it forbids, is answered as it says."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ledger_world import trained
from passport_service import PassportService
from passport_world import judge_version
from pawl.ledger.database import Ledger
from pawl.serving.ab_test_routes import AB_TESTS

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
TOKEN = {"Authorization": "Bearer pawl_me"}
PASSPORT = "/api/profile/passport/learning"
OPERATIONS = [
    ("GET", "/health"),
    ("POST", "/api/signals/track"),
    ("POST", "/api/signals/{signal_id}/convert"),
    ("POST", "/api/quick-trades/open"),
    ("POST", "/api/quick-trades/{trade_id}/close"),
    ("GET", f"{PASSPORT}/status"),
    ("GET", f"{PASSPORT}/datasets"),
    ("GET", f"{PASSPORT}/evals"),
    ("POST", f"{PASSPORT}/reports/generate"),
    ("GET", f"{PASSPORT}/reports/{{report_id}}"),
    ("POST", f"{AB_TESTS}/start"),
    ("GET", f"{AB_TESTS}/{{id}}/status"),
    ("POST", f"{AB_TESTS}/{{id}}/stop"),
    ("GET", f"{AB_TESTS}/{{id}}/report"),
]
NUMBERS = count()
SAMPLE, WHOLE = 25, 500
EVERYTHING_SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@pytest.fixture(scope="module")
def service(fresh_ledger: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PassportService]:
    """One service for all: what was written before is part of what the next request meets."""
    home = tmp_path_factory.mktemp("contract")
    (home / "ledger.db").write_bytes(fresh_ledger.read_bytes())
    ledger = Ledger.open(home)
    with PassportService(ledger, home) as opened:
        yield opened
    ledger.close()


@pytest.fixture(scope="module")
def document(service: PassportService) -> schemathesis.BaseSchema:
    """The document as the application gives it."""
    return schemathesis.openapi.from_asgi("/openapi.json", service.app)


def standing(service: PassportService) -> dict[str, str]:
    """Ids that exist, by the name of their parameter."""
    report = service.post(f"{PASSPORT}/reports/generate", {}, user="me", key="standing").json()["report_id"]
    return {
        "id": started_by_me(service).json()["id"],
        "signal_id": service.tracked("me"),
        "trade_id": service.opened("me"),
        "report_id": report,
    }


def started_by_me(service: PassportService) -> httpx.Response:
    """The answer to the start of a test of a version that the gate has just passed."""
    version = f"m002-2.{next(NUMBERS)}"
    with service.ledger.transaction() as tx:
        trained(tx, version)
        judge_version(tx, version, service.at, hit_rate=0.6)
    service.at += timedelta(seconds=1)
    return service.post(f"{AB_TESTS}/start", {"model_b_version": version}, user="me")


def drive(operation: Any, n: int, mode: GenerationMode, **fixed: Any) -> list[int]:
    """Ask so many times within, or against, what the document allows; the statuses of the answers."""
    statuses: list[int] = []

    @given(operation.as_strategy(generation_mode=mode, **fixed))
    @settings(max_examples=n, derandomize=True, database=None, suppress_health_check=EVERYTHING_SLOW)
    def run(case: schemathesis.Case) -> None:
        answer = case.call_and_validate(headers=TOKEN, checks=CHECKS)
        statuses.append(answer.status_code)

    run()
    return statuses


def ask_everything(service: PassportService, operation: Any, n: int) -> list[int]:
    """Within the document, against it, and about rows that exist."""
    statuses = drive(operation, n, GenerationMode.POSITIVE)
    if operation.path.endswith("/start"):  # versions that exist are not found by chance
        statuses.append(started_by_me(service).status_code)
    if operation.path != "/health" and operation.path != f"{PASSPORT}/status":  # they take nothing that could be wrong
        statuses += drive(operation, n, GenerationMode.NEGATIVE)
    fixed = {name: value for name, value in standing(service).items() if f"{{{name}}}" in operation.path}
    if fixed:
        statuses += drive(operation, n, GenerationMode.POSITIVE, path_parameters=fixed)
    return statuses


def test_every_path_of_the_document_is_asked(document: schemathesis.BaseSchema) -> None:
    found = [operation.ok() for operation in document.get_all_operations()]
    assert sorted((one.method.upper(), one.path) for one in found) == sorted(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_is_one_that_the_document_allows(
    method: str, path: str, service: PassportService, document: schemathesis.BaseSchema
) -> None:
    statuses = ask_everything(service, document[path][method], SAMPLE)
    # A run in which nothing is ever done would prove little.
    assert any(status < 300 for status in statuses), statuses


@pytest.mark.soak
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_is_one_that_the_document_allows_however_often_one_asks(
    method: str, path: str, service: PassportService, document: schemathesis.BaseSchema
) -> None:
    ask_everything(service, document[path][method], WHOLE)
