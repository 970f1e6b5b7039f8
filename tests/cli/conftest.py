"""A workspace in which a short history was replayed, and a way to ask commands with --json."""

import json
from pathlib import Path
from typing import Any

import pytest

from pawl.cli.main import run
from small_workspace import REPLAY, Ask, prepare


@pytest.fixture(scope="session")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six months were replayed in it; no test changes it."""
    home = prepare(tmp_path_factory.mktemp("replayed"))
    assert run([*REPLAY, "--home", str(home), "--json"]) == 0
    return home


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run a command with --json: its exit code, and the one object on stdout."""

    def asked(home: Path, *arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = run([*arguments, "--home", str(home), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return asked
