"""`pawl serve`: where it may listen. That it serves is tried in tests/serving/test_server.py, as a process."""

import json
import socket
from pathlib import Path

import pytest

from pawl.cli.main import run


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_another_address_is_refused_while_no_token_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    assert run(["serve", "--host", host, "--port", "0", "--home", str(tmp_path), "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert "no token" in error["what"] and "pawl token create" in error["fix"]


def test_a_revoked_token_opens_no_other_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(tmp_path)]
    assert run(["token", "create", "ann", *home]) == run(["token", "revoke", "ann", *home]) == 0
    assert run(["serve", "--host", "0.0.0.0", "--port", "0", *home]) == 1


def test_a_port_that_is_taken_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert run(["serve", "--port", port, "--home", str(tmp_path)]) == 2
    assert "choose another --port" in capsys.readouterr().err


def test_the_address_in_the_settings_is_asked_for_a_token_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "settings.toml").write_text('[server]\nhost = "0.0.0.0"\n')
    assert run(["serve", "--home", str(tmp_path)]) == 1
