"""The OpenAPI document of POST /predict is kept: whatever is sent, the answer is one that it allows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from pawl.ledger.database import Ledger
from predict_world import PredictWorld

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SAMPLE = 40


@pytest.fixture
def operation(sqlite_ledger: Ledger, tmp_path: Path) -> Iterator[Any]:
    with PredictWorld(sqlite_ledger, tmp_path / "home") as world:
        world.promoted(0.7)
        yield schemathesis.openapi.from_asgi("/openapi.json", world.app)["/predict"]["POST"]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_answer_is_one_that_the_document_allows(operation: Any, mode: GenerationMode) -> None:
    statuses: list[int] = []

    @given(operation.as_strategy(generation_mode=mode))
    @settings(max_examples=SAMPLE, derandomize=True, database=None, deadline=None, suppress_health_check=HealthCheck)
    def run(case: schemathesis.Case) -> None:
        answer = case.call_and_validate(headers={"Authorization": "Bearer pawl_ann"}, checks=CHECKS)
        statuses.append(answer.status_code)

    run()
    assert len(statuses) >= SAMPLE // 2
