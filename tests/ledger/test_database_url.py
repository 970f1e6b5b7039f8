"""Commands ask the database that the environment names, and leave the workspace without a ledger of its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger_world import judged, promoted, trained
from pawl.cli.main import run
from pawl.jobs.workspace import Workspace
from pawl.ledger.database import Ledger


@pytest.fixture
def home(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    url = ledger.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("PAWL_DATABASE_URL", url.replace("postgresql+psycopg", "postgres"))
    return tmp_path / "home"


def _ask(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert run([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_versions_status_promotion_and_tokens_live_in_the_database_that_is_named(
    ledger: Ledger, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        trained(tx, "m002-1.1")
        judged(tx, "m002-1.1", passes=True, on=2)
    place = ("--home", str(home))
    assert [one["version"] for one in _ask(capsys, "versions", *place)] == ["m002-1.0", "m002-1.1"]
    assert _ask(capsys, "promote", "m002-1.1", *place)["to"] == "m002-1.1"
    assert _ask(capsys, "status", *place)["learners"][0]["champion"] == "m002-1.1"
    made = _ask(capsys, "token", "create", "ann", *place)
    assert [one["token_id"] for one in _ask(capsys, "token", "ls", *place)] == [made["token_id"]]
    assert not home.exists()


def test_no_command_shows_where_the_database_is_with_its_password(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAWL_DATABASE_URL", "postgresql://ann:hunter2@127.0.0.1:1/ledger")
    for words in (["status"], ["versions"], ["token", "ls"], ["serve", "--port", "0"], ["token", "create", "x"]):
        assert run([*words, "--home", str(home)]) == 2
    shown = capsys.readouterr()
    assert "hunter2" not in shown.out + shown.err


def test_the_versions_of_a_workspace_are_counted_there(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        trained(tx, "m002-1.0")
    home = tmp_path / "home"
    assert (Workspace.at(home, ledger).versions.count("m002"), Workspace.at(home).versions.count("m002")) == (1, 0)
    assert not home.exists()
