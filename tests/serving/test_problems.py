"""Every error leaves in one form, with a code that stands in the documents."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from pawl.errors import CorruptArtifactError, FutureLeakError, SchemaError, StorageError, TooLittleDataError
from pawl.serving.problems import STATUS_OF_CODE
from serving_world import OPEN, World

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"


def test_every_code_stands_in_the_documents_with_its_status() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (\d{3}) \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert {code: int(status) for code, status in rows} == STATUS_OF_CODE


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", (404, "not_found")),
        ("GET", "/docs", (404, "not_found")),
        ("POST", "/api/signals", (404, "not_found")),
        ("GET", "/api/signals/track", (405, "method_not_allowed")),
        ("DELETE", "/health", (405, "method_not_allowed")),
        ("POST", "/api/quick-trades/x/close/", (404, "not_found")),
    ],
)
def test_the_frameworks_own_errors_have_the_form_too(
    small_world: World, method: str, path: str, expected: tuple[int, str]
) -> None:
    answer = small_world.ask(method, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == expected
    if expected[0] == 405:
        assert answer.headers["Allow"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (StorageError("disk full at /secret", where="/secret", fix="/secret"), (503, "storage")),
        (CorruptArtifactError("bytes at /secret", where="/secret", fix="/secret"), (500, "internal")),
        (SchemaError("no such column", where="here", fix="more"), (422, "bad_input")),
        (TooLittleDataError("3 bars", where="here", fix="more"), (422, "too_little_data")),
        (FutureLeakError("leaks", where="here", fix="mend"), (409, "refused")),
        (RuntimeError("a fault at /secret"), (500, "internal")),
    ],
)
def test_an_error_from_inside_gets_a_public_code_and_keeps_its_secrets(
    small_world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, expected: tuple[int, str]
) -> None:
    async def fail(command: object) -> None:
        raise error

    monkeypatch.setattr(small_world.writer, "write", fail)
    answer = small_world.post("/api/quick-trades/open", OPEN)
    assert (answer.status_code, answer.json()["error"]["code"]) == expected
    assert "secret" not in answer.text


def test_a_rule_of_the_database_is_refused_without_its_words(world: World) -> None:
    with world.ledger.transaction() as tx:
        tx.execute(sa.text("DROP TABLE chain_heads"))
    answer = world.post("/api/quick-trades/open", OPEN)
    assert answer.status_code >= 500
    assert "chain_heads" not in answer.text
