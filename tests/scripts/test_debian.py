"""Debian's packages for the tests: installed where we may, named loudly where we may not."""

import subprocess

import pytest

import debian


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The apt-get commands that would have run, on a machine without any browser."""
    ran: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(debian.subprocess, "run", run)
    monkeypatch.setattr(debian.shutil, "which", lambda program: "/usr/bin/apt-get" if program == "apt-get" else None)
    return ran


def test_root_on_debian_gets_what_is_missing(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian.os, "geteuid", lambda: 0)
    assert debian.main(["chromium"]) == 0
    assert [command[2] for command in commands] == ["update", "install"]
    assert commands[1][-2:] == ["--no-install-recommends", "chromium"]


def test_what_is_there_is_left_alone(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian.shutil, "which", lambda program: f"/usr/bin/{program}")
    assert debian.main(["chromium"]) == 0
    assert commands == []


@pytest.mark.parametrize(("ci", "exit_code"), [("", 0), ("true", 1)])
def test_others_are_told_loudly_and_ci_fails(
    commands: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ci: str,
    exit_code: int,
) -> None:
    monkeypatch.setattr(debian.os, "geteuid", lambda: 1000)
    monkeypatch.setenv("CI", ci)
    assert debian.main(["chromium"]) == exit_code
    assert commands == []
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1
    assert "SKIPPED" in out
    assert "apt-get install chromium" in out
