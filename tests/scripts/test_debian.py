"""Debian's packages for the tests: installed where we may, named loudly where we may not."""

import subprocess
from pathlib import Path

import pytest

import debian

NEEDS = ["chromium", "postgresql"]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """The apt-get commands that would have run, on a machine with neither a browser nor a server."""
    ran: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        if (tmp_path / debian.NO_CLUSTER).exists():
            ran.append([(tmp_path / debian.NO_CLUSTER).read_text()])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(debian.subprocess, "run", run)
    monkeypatch.setattr(debian.shutil, "which", lambda program: "/usr/bin/apt-get" if program == "apt-get" else None)
    monkeypatch.setattr(debian, "ROOT", tmp_path)
    for need in debian.NEEDS.values():
        monkeypatch.delenv(need.instead, raising=False)
    return ran


def test_root_on_debian_gets_what_is_missing(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian.os, "geteuid", lambda: 0)
    assert debian.main(["chromium"]) == 0
    assert [command[2] for command in commands] == ["update", "install"]
    assert commands[1][-2:] == ["--no-install-recommends", "chromium"]


def test_the_server_of_debian_is_installed_but_not_started(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(debian.os, "geteuid", lambda: 0)
    assert debian.main(NEEDS) == 0
    assert commands[-2][-2:] == NEEDS
    assert commands[-1] == ["create_main_cluster = false\n"]
    assert not (tmp_path / debian.NO_CLUSTER).exists()


def test_what_is_there_is_left_alone(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian.shutil, "which", lambda program: f"/usr/bin/{program}")
    assert debian.main(NEEDS) == 0
    assert commands == []


def test_what_lies_outside_the_path_or_is_named_is_left_alone(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PAWL_TEST_CHROMIUM", "/opt/chromium")
    binaries = tmp_path / "usr/lib/postgresql/15/bin"
    binaries.mkdir(parents=True)
    (binaries / "postgres").touch()
    assert debian.main(NEEDS) == 0
    assert commands == []


@pytest.mark.parametrize(("ci", "exit_code"), [("", 0), ("true", 1)])
@pytest.mark.parametrize("need", NEEDS)
def test_others_are_told_loudly_and_ci_fails(
    commands: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    need: str,
    ci: str,
    exit_code: int,
) -> None:
    monkeypatch.setattr(debian.os, "geteuid", lambda: 1000)
    monkeypatch.setenv("CI", ci)
    assert debian.main([need]) == exit_code
    assert commands == []
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1
    assert "SKIPPED" in out
    assert f"apt-get install {need}" in out
